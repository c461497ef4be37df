package example;

import id.komopay.BankTransferBuilder;
import id.komopay.BlockingClient;
import id.komopay.ChangeHandler;
import id.komopay.KomopayException;
import id.komopay.Money;
import id.komopay.Payout;
import id.komopay.PayoutAccepted;
import id.komopay.PayoutRequestBuilder;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/**
 * A shop with Spring Boot: it makes payouts, and hears of their changes by callbacks. The changes wait in a file until
 * the shop has handled them, also while it is down.
 *
 * <p>Client and callbacks are made of the properties {@code komopay.*}: application.properties takes them from the
 * environment, where they are called as for KtorShop.kt. What it takes and tells is JSON, by the SDK's module for
 * Jackson.
 */
@SpringBootApplication
public class SpringShop {
    public static void main(String[] arguments) {
        SpringApplication.run(SpringShop.class, arguments);
    }

    @Bean
    ChangeHandler onChange() {
        // It may come twice, after a crash: a database would keep the number of the change beside the status.
        return change -> System.out.println(
            change.getPayoutId() + " change " + change.getSequence() + ": " + change.getPayout().getStatus());
    }

    @RestController
    static class Payouts {
        private final BlockingClient client;
        private final String callbacks;

        /** In your shop: https, and a host that the platform can reach. */
        Payouts(BlockingClient client, @Value("http://127.0.0.1:${PORT}/komopay") String callbacks) {
            this.client = client;
            this.callbacks = callbacks;
        }

        /** Takes the sum as JSON, such as {"amount": "10000", "currency": "IDR"}, and tells what the platform said. */
        @PostMapping("/payouts/{id}")
        PayoutAccepted pay(@PathVariable("id") String id, @RequestBody Money money) throws InterruptedException {
            var payee = new BankTransferBuilder("BNK_000", "Test account", "11223344")
                .emailAddress("customer@test.com")
                .build();
            return client.createPayout(id, new PayoutRequestBuilder(money, payee)
                .callbackUrl(client.callbackUrl(callbacks, id))
                .build());
        }

        @GetMapping("/payouts/{id}")
        Payout look(@PathVariable("id") String id) throws InterruptedException {
            return client.getPayout(id);
        }

        /** What went wrong is a value, too: with its kind, and whether money may have moved. */
        @ExceptionHandler
        ResponseEntity<KomopayException> told(KomopayException error) {
            return ResponseEntity.status(error.getMoneyMayHaveMoved() ? 502 : 422).body(error);
        }
    }
}
