package example;

import id.komopay.AsyncClient;
import id.komopay.AsyncPayoutClient;
import id.komopay.BankTransferBuilder;
import id.komopay.Concern;
import id.komopay.ConfigBuilder;
import id.komopay.Credentials;
import id.komopay.KomopayException;
import id.komopay.Money;
import id.komopay.PayoutRequest;
import id.komopay.PayoutRequestBuilder;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;

/** A payroll that pays all at once, with futures: no thread waits for a payout. */
public final class AsyncPayroll {
    public static void main(String[] arguments) {
        var credentials =
            new Credentials.Merchant(System.getenv("KOMOPAY_MERCHANT_CODE"), System.getenv("KOMOPAY_SECRET"));
        var config = new ConfigBuilder(System.getenv("KOMOPAY_BASE_URL"), credentials).maxConcurrency(20).build();
        var salaries = new LinkedHashMap<String, PayoutRequest>();
        for (var employee = 1; employee <= 20; employee++) {
            salaries.put("SALARY-" + employee, salary(String.valueOf(11223344 + employee)));
        }
        // Store the ids before this. Run again after a crash, it pays nobody twice.
        try (var client = new AsyncClient(config)) {
            var lines = pay(client, salaries).join();
            lines.forEach((payoutId, line) -> System.out.println(payoutId + ": " + line));
            var paid = salaries.values().stream().map(PayoutRequest::money).reduce(Money::plus).orElseThrow();
            System.out.println("asked for " + paid);
        }
    }

    private static PayoutRequest salary(String account) {
        var bank = new BankTransferBuilder("BNK_000", "Test account", account).build();
        return new PayoutRequestBuilder(new Money(10_000, "IDR"), bank).build();
    }

    /** What became of each: an interface, so that a test can give a client of its own. */
    static CompletableFuture<Map<String, String>> pay(AsyncPayoutClient client, Map<String, PayoutRequest> salaries) {
        var calls = new LinkedHashMap<String, CompletableFuture<String>>();
        salaries.forEach((payoutId, request) -> calls.put(payoutId, client.createPayout(payoutId, request, true)
            .thenCompose(accepted -> client.waitForPayout(payoutId, Duration.ofSeconds(60)))
            .thenApply(payout -> payout.getStatus().toString())
            .exceptionally(AsyncPayroll::told)));
        return CompletableFuture.allOf(calls.values().toArray(new CompletableFuture<?>[0])).thenApply(done ->
            calls.entrySet().stream().collect(Collectors.toMap(
                Map.Entry::getKey, call -> call.getValue().join(), (one, other) -> one, LinkedHashMap::new)));
    }

    private static String told(Throwable thrown) {
        // After `thenCompose`, the error comes within a CompletionException.
        var cause = thrown instanceof CompletionException ? thrown.getCause() : thrown;
        if (!(cause instanceof KomopayException)) return "a fault of this program: " + cause;
        var error = (KomopayException) cause;
        if (error.getConcerns() == Concern.MERCHANT) return "stop: " + error.getMessage();
        return error.getRetryable() ? "again later, with resume: " + error.getMessage() : error.getMessage();
    }
}
