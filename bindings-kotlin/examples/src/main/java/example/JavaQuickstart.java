package example;

import id.komopay.BankTransferBuilder;
import id.komopay.BlockingClient;
import id.komopay.ConfigBuilder;
import id.komopay.Money;
import id.komopay.OutcomeUnknownException;
import id.komopay.PayoutRequestBuilder;
import id.komopay.Config;
import id.komopay.Credentials;
import id.komopay.PayoutRequest;
import id.komopay.PayoutStatus;
import java.time.Duration;

/** The same payout as Quickstart.kt makes, from Java. */
public final class JavaQuickstart {
    public static void main(String[] arguments) throws InterruptedException {
        var credentials =
            new Credentials.Merchant(System.getenv("KOMOPAY_MERCHANT_CODE"), System.getenv("KOMOPAY_SECRET"));
        var config = new ConfigBuilder(System.getenv("KOMOPAY_BASE_URL"), credentials).build();
        var bank = new BankTransferBuilder("BNK_000", "Test account", "11223344")
            .emailAddress("customer@test.com")
            .build();
        var request = new PayoutRequestBuilder(new Money("10000", "IDR"), bank)
            .callbackUrl("https://callback.example.com")
            .build();
        // Outside: `System.exit` would leave the client open.
        System.exit(pay(config, request));
    }

    /** Pays, waits, and tells the shell whether the money has arrived. */
    private static int pay(Config config, PayoutRequest request) throws InterruptedException {
        try (var client = new BlockingClient(config)) {
            // Store the id before the first call.
            client.createPayout("TST-223344", request);
            var payout = client.waitForPayout("TST-223344", Duration.ofSeconds(60));
            System.out.println(payout.getStatus() + ", fee " + payout.getFee());
            return payout.getStatus().asEnum() == PayoutStatus.Value.SUCCESS ? 0 : 1;
        } catch (OutcomeUnknownException unknown) {
            // It may exist: the same call again later, with resume.
            System.out.println(unknown.getMessage());
            return 2;
        }
    }
}
