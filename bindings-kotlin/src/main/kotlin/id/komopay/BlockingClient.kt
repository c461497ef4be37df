package id.komopay

import id.komopay.ffi.NativeOperations
import java.time.Duration
import java.time.Instant

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
public class BlockingClient(config: Config) : AutoCloseable {
    // Checked before `Client` is loaded, which needs what may be missing.
    internal val client = run {
        Libraries.check()
        Client(config)
    }

    /** Makes a payout, exactly once: see [Client.createPayout]. Store the id before the first call. */
    @JvmOverloads
    @Throws(KomopayException::class, InterruptedException::class)
    public fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean = false): PayoutAccepted =
        client.block(Creating(payoutId, resume)) { NativeOperations.createPayout(payoutId, request, resume) }

    /** Reads a payout: see [Client.getPayout]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun getPayout(payoutId: String): Payout = client.block { NativeOperations.getPayout(payoutId) }

    /** Reads a payout until its status is final, FAILED and REFUSED too: see [Client.waitForPayout]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun waitForPayout(payoutId: String, timeout: Duration): Payout =
        client.block { NativeOperations.waitForPayout(payoutId, timeout) }

    /** The ways to pay out this money now: see [Client.payoutOptions]. */
    @JvmOverloads
    @Throws(KomopayException::class, InterruptedException::class)
    public fun payoutOptions(
        money: Money,
        segmentCode: String? = null,
        exchangedToCurrency: String? = null,
    ): List<PayoutOption> = client.block { NativeOperations.payoutOptions(money, segmentCode, exchangedToCurrency) }

    /** The balances in these currencies, or in all if none is named: see [Client.balances]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun balances(vararg currencies: String): List<Balance> = balances(currencies.asList())

    /** The balances in these currencies, or in all if the list is empty. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun balances(currencies: List<String>): List<Balance> =
        client.block { NativeOperations.balances(currencies) }

    /** The codes of the currencies enabled for the merchant. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun currencies(): List<String> = client.block { NativeOperations.currencies() }

    /** The codes of the customer segments. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun segments(): List<String> = client.block { NativeOperations.segments() }

    /** All banks, wallets and blockchains, of any direction and currency. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentOperators(): List<PaymentOperator> = client.block { NativeOperations.paymentOperators() }

    /** The codes of all payment methods, of both directions. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentMethods(): List<String> = client.block { NativeOperations.paymentMethods() }

    /** Methods and operators with their limits for this merchant: see [Client.paymentOptions]. */
    @JvmOverloads
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentOptions(filter: PaymentOptionFilter = PaymentOptionFilter()): List<PaymentOption> =
        client.block { NativeOperations.paymentOptions(filter) }

    /** The merchant, as it is shown to customers. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun merchantInfo(): MerchantInfo = client.block { NativeOperations.merchantInfo() }

    /** A token for someone else, valid for 600 s or for so long (60 s to 3600 s): see [Client.issueToken]. */
    @JvmOverloads
    @Throws(KomopayException::class, InterruptedException::class)
    public fun issueToken(scope: AccessScope, validity: Duration = DEFAULT_VALIDITY): AccessToken =
        AccessToken(client.block { NativeOperations.issueToken(scope, validity) })

    /** Proves that host, credentials and clock work, moving nothing. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun checkCredentials(): MerchantInfo = client.block { NativeOperations.checkCredentials() }

    /** The ids of the creates under way, also of those that nobody waits for any more: see [Client.createsUnderWay]. */
    public fun createsUnderWay(): List<String> = client.createsUnderWay()

    /** Signs a callback URL for this payout, with no expiry and the signature in the path: see [Client.callbackUrl]. */
    @JvmOverloads
    @Throws(KomopayException::class)
    public fun callbackUrl(
        base: String,
        payoutId: String,
        expiresAt: Instant? = null,
        place: SignaturePlace = SignaturePlace.PATH,
    ): String = client.callbackUrl(base, payoutId, expiresAt, place)

    /** Reads a callback, and checks that its URL was signed for its payout: see [Client.readCallback]. */
    @Throws(KomopayException::class)
    public fun readCallback(body: ByteArray, url: String): Callback = client.readCallback(body, url)

    /** Reads a callback, checks it, and reads the payout from the platform: see [Client.handleCallback]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun handleCallback(body: ByteArray, url: String): Payout =
        client.block { NativeOperations.handleCallback(body, url) }

    /** Takes at most so many changes, or 100, out of the `changeStore` to handle them: see [Client.takeChanges]. */
    @JvmOverloads
    @Throws(KomopayException::class, InterruptedException::class)
    public fun takeChanges(limit: Int = DEFAULT_LIMIT): List<PayoutChange> =
        client.block { NativeOperations.takeChanges(limit) }

    /** Notes in the `changeStore` that a change was handled: see [Client.acknowledgeChange]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun acknowledgeChange(payoutId: String, sequence: Long): Unit =
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
