package id.komopay

import id.komopay.ffi.NativeOperations
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.runBlocking

/**
 * A client of the payout API for Java, and for Kotlin without coroutines: every call waits for its end. For any number
 * of threads.
 *
 * Interrupting the thread releases it, within 50 ms, with an `InterruptedException`. No further attempt of a create
 * starts; what is on the wire is read to its end, and is not undone: make the same call again with `resume` to learn
 * what came of it. A virtual thread (Java 21) does not hold its carrier while it waits.
 *
 * A bad setting is a [ConfigurationException] that names it. Nothing is sent yet.
 *
 * ```java
 * try (var client = new BlockingClient(new ConfigBuilder(Komopay.sandboxUrl(),
 *         new Credentials.Merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET")).build())) {
 *     client.createPayout("TST-223344", new PayoutRequestBuilder(new Money("10000", "IDR"),
 *         new BankTransferBuilder("BNK_000", "Test account", "11223344").build()).build());
 *     var payout = client.waitForPayout("TST-223344", Duration.ofSeconds(60));
 * }
 * ```
 */
public class BlockingClient private constructor(internal val client: Client) : BlockingPayoutClient {
    public constructor(config: Config) : this(checked(config))

    override val baseUrl: String get() = client.baseUrl

    /**
     * This client with another deadline of a call, or with more headers; `null` and `Map.of()` leave it as it is. It
     * shares everything with this one, and is closed when either is: see [Client.withOptions].
     *
     * ```java
     * var hurried = client.withOptions(Duration.ofSeconds(10), Map.of("X-Job", "payroll-7"));
     * ```
     */
    @Throws(KomopayException::class)
    override fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): BlockingClient =
        BlockingClient(client.withOptions(totalTimeout, headers))

    @Throws(KomopayException::class, InterruptedException::class)
    override fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean): PayoutAccepted =
        client.block(Creating(payoutId, resume)) { NativeOperations.createPayout(payoutId, request, resume) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun getPayout(payoutId: String): Payout = client.block { NativeOperations.getPayout(payoutId) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun waitForPayout(payoutId: String, timeout: Duration): Payout =
        client.block { NativeOperations.waitForPayout(payoutId, timeout) }

    /**
     * Waits for many payouts, as [Client.waitForPayouts] does. A loop over it has each one when its wait has ended;
     * closing it ends the reads.
     *
     * ```java
     * try (var waits = client.waitForPayouts(ids, Duration.ofMinutes(10))) {
     *     for (var waited : waits) System.out.println(waited.getPayoutId() + " " + waited.result().getStatus());
     * }
     * ```
     */
    @Throws(KomopayException::class)
    override fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double,
    ): PayoutWaits {
        val waits = client.waits(payoutIds, timeout, readsPerSecond)
        return PayoutWaits(waits) { runBlocking { client.next(waits) } }
    }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun payoutOptions(
        money: Money,
        segmentCode: String?,
        exchangedToCurrency: String?,
    ): List<PayoutOption> = client.block { NativeOperations.payoutOptions(money, segmentCode, exchangedToCurrency) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun balances(currencies: List<String>): List<Balance> =
        client.block { NativeOperations.balances(currencies) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun currencies(): List<String> = client.block { NativeOperations.currencies() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun segments(): List<String> = client.block { NativeOperations.segments() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun paymentOperators(): List<PaymentOperator> = client.block { NativeOperations.paymentOperators() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun paymentMethods(): List<String> = client.block { NativeOperations.paymentMethods() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun paymentOptions(filter: PaymentOptionFilter): List<PaymentOption> =
        client.block { NativeOperations.paymentOptions(filter) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun merchantInfo(): MerchantInfo = client.block { NativeOperations.merchantInfo() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun issueToken(scope: AccessScope, validity: Duration): AccessToken =
        AccessToken(client.block { NativeOperations.issueToken(scope, validity) })

    @Throws(KomopayException::class, InterruptedException::class)
    override fun checkCredentials(): MerchantInfo = client.block { NativeOperations.checkCredentials() }

    override fun createsUnderWay(): List<String> = client.createsUnderWay()

    @Throws(KomopayException::class)
    override fun callbackUrl(
        base: String,
        payoutId: String,
        expiresAt: Instant?,
        place: SignaturePlace,
    ): String = client.callbackUrl(base, payoutId, expiresAt, place)

    @Throws(KomopayException::class)
    override fun readCallback(body: ByteArray, url: String): Callback = client.readCallback(body, url)

    @Throws(KomopayException::class, InterruptedException::class)
    override fun handleCallback(body: ByteArray, url: String): Payout =
        client.block { NativeOperations.handleCallback(body, url) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun takeChanges(limit: Int): List<PayoutChange> =
        client.block { NativeOperations.takeChanges(limit) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun acknowledgeChange(payoutId: String, sequence: Long): Unit =
        client.block { NativeOperations.acknowledgeChange(payoutId, sequence) }

    /**
     * Refuses new calls, and waits for the creates on the wire, up to their deadlines. It may be called again.
     *
     * It throws nothing: a thread that is interrupted stays so, and does not wait any more. What is on the wire is read
     * to its end only while the process lives: a program should close its client before it ends.
     */
    override fun close() {
        try {
            client.closeBlocking()
        } catch (_: InterruptedException) {
            client.abandon()
            Thread.currentThread().interrupt()
        }
    }

    /** Shows where the platform is, and nothing else. */
    override fun toString(): String = "Blocking$client"
}

/** Checked before `Client` is loaded, which needs what may be missing. */
private fun checked(config: Config): Client {
    Libraries.check()
    return Client(config)
}
