package id.komopay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls as futures, for Java. */
class AsyncClientTest {
    private final Sandbox sandbox = new Sandbox();
    private final AsyncClient client = new AsyncClient(sandbox.config(sandbox.getCredentials()));

    @AfterEach
    void stop() {
        sandbox.clearFaults();
        client.close();
        sandbox.close();
    }

    @Test
    void aPayoutIsMadeOnceAndFollowedToItsEnd() {
        var payout = client.createPayout("A-1", Sandbox.request("10000"))
            .thenCompose(accepted -> client.waitForPayout(accepted.getPayoutId(), Duration.ofSeconds(60)))
            .join();
        assertEquals(PayoutStatus.Value.SUCCESS, payout.getStatus().asEnum());
        assertTrue(client.createPayout("A-1", Sandbox.request("10000"), true).join().getRecovered());
        assertEquals(List.of("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger());
    }

    @Test
    void whatElseAClientDoesIsAFutureToo() {
        var money = new Money("10000", "IDR");
        assertEquals("IDR", client.balances("IDR").join().get(0).getAvailable().getCurrency());
        assertEquals(client.balances().join(), client.balances(List.of()).join());
        assertTrue(client.currencies().join().contains("IDR"));
        assertFalse(client.segments().join().isEmpty());
        assertFalse(client.paymentOperators().join().isEmpty());
        assertFalse(client.paymentMethods().join().isEmpty());
        assertEquals(client.paymentOptions().join(), client.paymentOptions(new PaymentOptionFilter()).join());
        assertEquals(client.payoutOptions(money).join(), client.payoutOptions(money, null, null).join());
        assertEquals(client.merchantInfo().join(), client.checkCredentials().join());
        assertFalse(client.issueToken(new AccessScope.Read("A-1")).join().expose().isEmpty());
        var shop = new ConfigBuilder(sandbox.getUrl(), sandbox.getCredentials())
            .callbackKeys("canary-key-0d81f2c4-7a3e-4b9c-9d55")
            .changeStore(ChangeStore.Memory.INSTANCE)
            .build();
        try (var receiving = new AsyncClient(shop)) {
            receiving.createPayout("A-1", Sandbox.request("10000")).join();
            sandbox.ledger();
            var url = receiving.callbackUrl("https://shop.example/hook", "A-1");
            var body = "{\"idEntity\": \"A-1\"}".getBytes();
            assertEquals(new Callback("A-1", true), receiving.readCallback(body, url));
            assertEquals(receiving.handleCallback(body, url).join(), receiving.getPayout("A-1").join());
            for (var change : receiving.takeChanges().join()) {
                receiving.acknowledgeChange("A-1", change.getSequence()).join();
            }
            assertTrue(receiving.takeChanges(1).join().isEmpty());
        }
    }

    @Test
    void noThreadWaitsForACall() {
        sandbox.hold("get_payout");
        var before = Thread.activeCount();
        var calls = IntStream.range(0, 500).mapToObj(at -> client.getPayout("A-" + at)).collect(Collectors.toList());
        sandbox.awaitCalls("get_payout", 50);
        assertTrue(Thread.activeCount() < before + 20, "threads wait for calls");
        calls.forEach(call -> call.cancel(true));
    }

    @Test
    void anErrorIsTheOneThatItIsAndWrappedOnceByWhoeverWraps() throws Exception {
        var call = client.getPayout("NONE");
        assertInstanceOf(NotFoundException.class, assertThrows(CompletionException.class, call::join).getCause());
        assertInstanceOf(NotFoundException.class, assertThrows(ExecutionException.class, call::get).getCause());
        assertInstanceOf(NotFoundException.class, call.handle((payout, error) -> error).join());
        // What cannot be handed over, too.
        var half = client.getPayout("A-\uD83D");
        assertTrue(half.isCompletedExceptionally());
        assertInstanceOf(InvalidRequestException.class, assertThrows(CompletionException.class, half::join).getCause());
        // And the next call does not mind.
        assertTrue(client.currencies().join().contains("IDR"));
    }

    @Test
    void aFutureThatIsCancelledReleasesItsCallAndWhatWasSentIsReadToItsEnd() throws Exception {
        try (var gate = new Gate(sandbox.getUrl())) {
            var config = new ConfigBuilder(gate.getUrl(), sandbox.getCredentials()).build();
            var through = new AsyncClient(config);
            var named = new CompletableFuture<String>();
            Log.setLogger(record -> {
                if (record.getText().contains("nobody waits")) named.complete(record.getText());
            });
            var call = through.createPayout("A-1", Sandbox.request("10000"));
            gate.awaitCreate();
            assertTrue(call.cancel(true));
            assertThrows(CancellationException.class, call::join);
            assertTrue(named.get(60, TimeUnit.SECONDS).contains("A-1"));
            assertEquals(List.of("A-1"), through.createsUnderWay());
            gate.open();
            through.close();
            assertEquals(List.of("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger());
            assertEquals(1, gate.getCreates());
        } finally {
            Log.setLogger(LogLevel.ERROR, record -> {});
        }
    }

    @Test
    void aCallThatIsCancelledBeforeItsCreateIsSentSendsNone() {
        sandbox.hold("issue_token");
        var call = client.createPayout("A-1", Sandbox.request("10000"));
        sandbox.awaitCalls("issue_token", 1);
        call.cancel(true);
        sandbox.clearFaults();
        client.close();
        assertEquals(0, sandbox.calls("create_payout"));
        assertSame(ErrorKind.CLOSED, client.currencies().handle((codes, error) -> ((KomopayException) error).getKind())
            .join());
    }
}
