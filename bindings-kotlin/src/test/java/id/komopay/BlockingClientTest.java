package id.komopay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** As Java sees it. */
class BlockingClientTest {
    private final Sandbox sandbox = new Sandbox();
    private final BlockingClient client = new BlockingClient(
        new ConfigBuilder(sandbox.getUrl(), new Credentials.Merchant(Sandbox.CODE, Sandbox.SECRET))
            .totalTimeout(Duration.ofSeconds(60))
            .maxAmount(new Money("5000000", "IDR"))
            .build());

    @AfterEach
    void stop() {
        client.close();
        sandbox.close();
    }

    private static PayoutRequest request(Money money) {
        return new PayoutRequestBuilder(money, new BankTransferBuilder("BNK_000", "Test account", Sandbox.ACCOUNT)
            .emailAddress("customer@test.com").build())
            .callbackUrl("https://callback.example.com")
            .build();
    }

    @Test
    void aPayoutIsMadeOnceAndFollowedToItsEnd() throws InterruptedException {
        var accepted = client.createPayout("A-1", request(new Money(10_000, "IDR")));
        assertFalse(accepted.getRecovered());
        var payout = client.waitForPayout("A-1", Duration.ofSeconds(60));
        assertEquals(PayoutStatus.Value.SUCCESS, payout.getStatus().asEnum());
        assertEquals(new Money(new BigDecimal("100"), "IDR"), payout.getFee());
        assertTrue(client.createPayout("A-1", request(new Money("10000.00", "IDR")), true).getRecovered());
        assertEquals(List.of("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger());
    }

    @Test
    void anErrorIsCaughtByItsKind() {
        var tooMuch = request(new Money("5000001", "IDR"));
        var error = assertThrows(InvalidRequestException.class, () -> client.createPayout("A-1", tooMuch));
        assertEquals("money.amount", error.getField());
        assertFalse(error.getMoneyMayHaveMoved());
    }

    @Test
    void theCatalogueIsRead() throws InterruptedException {
        assertEquals("IDR", client.balances("IDR").get(0).getAvailable().getCurrency());
        assertTrue(client.currencies().contains("IDR"));
        assertFalse(client.segments().isEmpty());
        assertFalse(client.paymentOperators().isEmpty());
        assertFalse(client.paymentMethods().isEmpty());
        var yen = client.paymentOptions(new PaymentOptionFilterBuilder().currencies("JPY").build());
        assertTrue(!yen.isEmpty() && yen.size() < client.paymentOptions().size());
        assertFalse(client.payoutOptions(new Money("10000", "IDR")).isEmpty());
        assertEquals(client.merchantInfo(), client.checkCredentials());
    }

    @Test
    void aTokenOfASupplierIsEnoughForItsPayout() throws InterruptedException {
        var money = new Money("10000", "IDR");
        var scope = new AccessScope.Payout("A-1", money);
        var credentials = Tokens.provider(() -> client.issueToken(scope, Duration.ofSeconds(60)).expose());
        try (var app = new BlockingClient(new ConfigBuilder(sandbox.getUrl(), credentials).build())) {
            assertEquals("A-1", app.createPayout("A-1", request(money)).getPayoutId());
            assertThrows(PermissionDeniedException.class, app::merchantInfo);
        }
    }

    @Test
    void theLibraryTellsWhereTheSandboxIs() {
        assertEquals("https://api.sandbox.komopay.id", Komopay.sandboxUrl());
    }

    @Test
    void theOtherMethodsHaveTheirBuilders() throws InterruptedException {
        var wallet = new WalletTransferBuilder()
            .operatorCode("ID_OVO")
            .number("siti@provider")
            .phoneNumber("+6281234567")
            .build();
        var crypto = new CryptoTransferBuilder("DEMO_CHAIN", "abc123").remark("text").build();
        var toWallet = new PayoutRequestBuilder(new Money(10, "IDR"), wallet).build();
        var toChain = new PayoutRequestBuilder(new Money(10, "USDT"), crypto).build();
        assertEquals("WALLET_TRANSFER", client.createPayout("A-1", toWallet).getMethodCode().code());
        assertEquals("CRYPTO_TRANSFER", client.createPayout("A-2", toChain).getMethodCode().code());
    }

    @Test
    void aCallbackIsReadAndItsChangeHandledOnce() throws InterruptedException {
        var config = new ConfigBuilder(sandbox.getUrl(), new Credentials.Merchant(Sandbox.CODE, Sandbox.SECRET))
            .callbackKeys("canary-key-0d81f2c4-7a3e-4b9c-9d55")
            .changeStore(ChangeStore.Memory.INSTANCE)
            .changeLease(Duration.ofMinutes(1))
            .callbackTimeout(Duration.ofSeconds(4))
            .build();
        var handled = new LinkedBlockingQueue<PayoutChange>();
        try (var shop = new BlockingClient(config); var callbacks = new BlockingPayoutCallbacks(shop, handled::add)) {
            shop.createPayout("A-1", request(new Money("10000", "IDR")));
            sandbox.ledger();
            var url = shop.callbackUrl("https://shop.example/hook", "A-1");
            var body = "{\"idEntity\": \"A-1\"}".getBytes();
            assertEquals(new Callback("A-1", true), shop.readCallback(body, url));
            assertEquals(403, callbacks.receive(body, "/hook"));
            assertEquals(413, callbacks.receive(new byte[callbacks.getBodyLimit()], url));
            assertEquals(200, callbacks.receive(body, url));
            var change = handled.take();
            var status = change.getPayout().getStatus();
            assertEquals("A-1 1 SUCCESS", change.getPayoutId() + " " + change.getSequence() + " " + status);
            assertEquals(PayoutStatus.Value.SUCCESS, shop.handleCallback(body, url).getStatus().asEnum());
            assertTrue(shop.takeChanges().isEmpty());
            var expiresAt = Instant.now().plusSeconds(60);
            var query = shop.callbackUrl("https://shop.example/hook", "A-1", expiresAt, SignaturePlace.QUERY);
            assertTrue(query.startsWith("https://shop.example/hook?komopay=1."));
        }
        assertTrue(handled.isEmpty());
    }

    @Test
    void aRequestHasAFingerprint() {
        var key = "a key that is long enough".getBytes();
        assertEquals(64, Requests.fingerprint(request(new Money("1", "IDR")), key).length());
    }
}
