package id.komopay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What stands in for a client in the tests of a program, and its errors. */
class StandInTest {
    private static final Money MONEY = new Money("10000", "IDR");

    /** The program under test: it pays, and keeps what may have been paid. */
    private static String paid(BlockingPayoutClient client) throws InterruptedException {
        try {
            return client.createPayout("A-1", Sandbox.request("10000")).getPayoutId();
        } catch (KomopayException error) {
            return error.getClass().getSimpleName() + " " + error.getMoneyMayHaveMoved() + " " + error.getPayoutId();
        }
    }

    @Test
    void aFakeHasTheCallsThatItsTestNeedsAndTheOthersSayThatTheyAreMissing() throws InterruptedException {
        BlockingPayoutClient losing = new BlockingPayoutClient() {
            @Override
            public PayoutAccepted createPayout(String payoutId, PayoutRequest request, boolean resume) {
                throw new KomopayExceptionBuilder(ErrorKind.OUTCOME_UNKNOWN).payoutId(payoutId).build();
            }
        };
        assertEquals("OutcomeUnknownException true A-1", paid(losing));
        var missing = assertThrows(UnsupportedOperationException.class, () -> losing.getPayout("A-1"));
        assertTrue(missing.getMessage().contains("getPayout"), missing.getMessage());
        losing.close();
        AsyncPayoutClient later = new AsyncPayoutClient() {
            @Override
            public CompletableFuture<PayoutAccepted> createPayout(String id, PayoutRequest request, boolean resume) {
                return CompletableFuture.failedFuture(new KomopayExceptionBuilder(ErrorKind.UNAVAILABLE).build());
            }
        };
        assertTrue(later.createPayout("A-1", Sandbox.request("10000")).isCompletedExceptionally());
    }

    @Test
    void aClientHasEveryCallOfWhatItStandsFor() {
        for (var pair : List.of(
            List.of(Client.class, PayoutClient.class),
            List.of(BlockingClient.class, BlockingPayoutClient.class),
            List.of(AsyncClient.class, AsyncPayoutClient.class))) {
            var own = Arrays.stream(pair.get(0).getDeclaredMethods()).map(Method::getName).collect(Collectors.toSet());
            var calls = Arrays.stream(pair.get(1).getDeclaredMethods())
                .filter(method -> !Modifier.isStatic(method.getModifiers()))
                .map(Method::getName)
                .collect(Collectors.toSet());
            assertTrue(calls.contains("createPayout") && own.containsAll(calls), pair + ": " + calls);
        }
    }

    @Test
    void anErrorOfEveryKindCanBeMadeAndIsWhatACallWouldEndWith() {
        for (var kind : ErrorKind.values()) {
            var error = new KomopayExceptionBuilder(kind).build();
            assertEquals(kind, error.getKind());
            assertEquals(kind.retryable(), error.getRetryable());
            assertEquals(kind.moneyMayHaveMoved(), error.getMoneyMayHaveMoved());
            assertEquals(kind.code(), error.getMessage());
        }
        assertEquals(Concern.MERCHANT, new KomopayExceptionBuilder(ErrorKind.AUTHENTICATION).build().getConcerns());
        var ofACall = new KomopayExceptionBuilder(ErrorKind.INVALID_REQUEST).field("limit").build();
        assertEquals(null, ofACall.getConcerns());
        assertEquals(Concern.PAYOUT, new KomopayExceptionBuilder(ErrorKind.INVALID_REQUEST).build().getConcerns());
    }

    @Test
    void anErrorKnowsWhatItIsTold() {
        var attempt = new Attempt("POST /payouts/A-1", Instant.EPOCH, Duration.ofMillis(1500), 406, "R-1");
        var reason = new Reason("BALANCE_INSUFFICIENT", "amount", null);
        var cause = new KomopayExceptionBuilder(ErrorKind.TIMED_OUT).build();
        var error = new KomopayExceptionBuilder(ErrorKind.REJECTED)
            .message("no money").httpStatus(406).field("money.amount").reasons(reason).payoutId("A-1")
            .attempts(attempt).retryAfter(Duration.ofSeconds(2)).concerns(Concern.PAYOUT).cause(cause)
            .build();
        assertEquals(
            List.of("no money", 406, "money.amount", List.of(reason), "A-1", List.of(attempt), Duration.ofSeconds(2),
                Concern.PAYOUT, cause),
            List.of(error.getMessage(), error.getHttpStatus(), error.getField(), error.getReasons(),
                error.getPayoutId(), error.getAttempts(), error.getRetryAfter(), error.getConcerns(),
                error.getCause()));
        assertEquals(null, error.getPayout());
    }

    @Test
    void aTokenOfATestIsWhatItIsMadeOf() {
        var token = new AccessToken("secret-token", Instant.EPOCH);
        assertEquals(List.of("secret-token", Instant.EPOCH), List.of(token.expose(), token.getExpiresAt()));
        assertFalse(token.toString().contains("secret"));
    }

    @Test
    void whatMayBeNullSaysSoAndNothingElseIs() {
        assertTrue(Money.class.getPackage().isAnnotationPresent(NullMarked.class));
    }

    @Test
    void moneyIsAddedAndComparedInJavaToo() {
        var all = List.of(MONEY, new Money(2, "IDR")).stream().reduce(Money::plus).orElseThrow();
        assertEquals(new Money(10_002, "IDR"), all);
        assertTrue(all.compareTo(MONEY) > 0 && MONEY.minus(all).compareTo(new Money(-2, "IDR")) == 0);
        assertEquals(new Money("250", "IDR"), Money.restore("250.000", "IDR"));
    }
}
