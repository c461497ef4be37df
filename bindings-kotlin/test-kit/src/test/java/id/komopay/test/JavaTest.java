package id.komopay.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import id.komopay.AsyncPayoutClient;
import id.komopay.BankTransferBuilder;
import id.komopay.BlockingClient;
import id.komopay.BlockingPayoutClient;
import id.komopay.Money;
import id.komopay.PayoutRequest;
import id.komopay.PayoutRequestBuilder;
import id.komopay.PayoutStatus;
import id.komopay.RejectedException;
import java.math.BigDecimal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The kit as Java uses it. */
class JavaTest {
    @RegisterExtension
    final KomopayExtension komopay =
        new KomopayExtension(() -> new SandboxBuilder().balance("IDR", new BigDecimal("15000")).start());

    private final PayoutRequest salary = new PayoutRequestBuilder(
        new Money("10000", "IDR"), new BankTransferBuilder("BNK_000", "Test account", "11223344").build()).build();

    @Test
    void aLostAnswerPaysOnce(Sandbox sandbox, BlockingClient client) throws InterruptedException {
        sandbox.loseAnswer();
        client.createPayout("SALARY-1", salary);
        assertEquals(1, sandbox.executed("SALARY-1"));
        assertThrows(RejectedException.class, () -> client.createPayout("SALARY-2", salary));
        assertEquals(new Money("5000", "IDR"), sandbox.balance("IDR").getAvailable());
    }

    @Test
    void clientsAreGivenByTheirInterfaces(Sandbox sandbox, BlockingPayoutClient blocking, AsyncPayoutClient async)
            throws InterruptedException {
        async.createPayout("SALARY-1", salary, false).join();
        assertEquals(PayoutStatus.Value.SUCCESS, blocking.getPayout("SALARY-1").getStatus().asEnum());
        assertEquals(1, sandbox.executed("SALARY-1"));
    }
}
