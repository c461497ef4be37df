package id.komopay

import java.time.Duration
import java.time.Instant

/**
 * The calls of [BlockingClient]: ask for this where a test shall give something else, and let your program give a
 * [BlockingClient].
 *
 * A mock answers what it is told to. A fake of your own has the calls that a test needs, and no more: each of the
 * others throws an `UnsupportedOperationException`. Errors for it are made with [KomopayExceptionBuilder].
 *
 * Java leaves out what Kotlin has defaults for: so some calls are here in several forms, and a fake has the longest.
 *
 * ```java
 * var client = new BlockingPayoutClient() {
 *     @Override public PayoutAccepted createPayout(String payoutId, PayoutRequest request, boolean resume) {
 *         throw new KomopayExceptionBuilder(ErrorKind.OUTCOME_UNKNOWN).payoutId(payoutId).build();
 *     }
 * };
 * ```
 */
public interface BlockingPayoutClient : AutoCloseable {
    /** Where the platform is, as it was set; null of a fake, which asks none. */
    public val baseUrl: String? get() = null

    /**
     * This client with another deadline of a call, or with more headers: see [Client.withOptions]. In Java, `null` and
     * `Map.of()` leave it as it is.
     */
    @Throws(KomopayException::class)
    public fun withOptions(
        totalTimeout: Duration? = null,
        headers: Map<String, String> = emptyMap(),
    ): BlockingPayoutClient = left("withOptions")

    /** Makes a payout, exactly once: see [Client.createPayout]. Store the id before the first call. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun createPayout(payoutId: String, request: PayoutRequest): PayoutAccepted =
        createPayout(payoutId, request, resume = false)

    /** The same, and [resume] says that this id may have been sent before. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean = false): PayoutAccepted =
        left("createPayout")

    /** Reads a payout: see [Client.getPayout]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun getPayout(payoutId: String): Payout = left("getPayout")

    /** Reads a payout until its status is final, FAILED and REFUSED too: see [Client.waitForPayout]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun waitForPayout(payoutId: String, timeout: Duration): Payout = left("waitForPayout")

    /** Waits for many payouts, with at most 100 reads a second: see [BlockingClient.waitForPayouts]. */
    @Throws(KomopayException::class)
    public fun waitForPayouts(payoutIds: Collection<String>, timeout: Duration): PayoutWaits =
        waitForPayouts(payoutIds, timeout, DEFAULT_READS_PER_SECOND)

    /** The same, with at most so many. */
    @Throws(KomopayException::class)
    public fun waitForPayouts(payoutIds: Collection<String>, timeout: Duration, readsPerSecond: Double): PayoutWaits =
        left("waitForPayouts")

    /** The ways to pay out this money now: see [Client.payoutOptions]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun payoutOptions(money: Money): List<PayoutOption> = payoutOptions(money, null, null)

    /** The same for a segment of customers. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun payoutOptions(money: Money, segmentCode: String?): List<PayoutOption> =
        payoutOptions(money, segmentCode, null)

    /** The same for money that is exchanged. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun payoutOptions(
        money: Money,
        segmentCode: String? = null,
        exchangedToCurrency: String? = null,
    ): List<PayoutOption> = left("payoutOptions")

    /** The balances in these currencies, or in all if none is named: see [Client.balances]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun balances(vararg currencies: String): List<Balance> = balances(currencies.asList())

    /** The balances in these currencies, or in all if the list is empty. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun balances(currencies: List<String>): List<Balance> = left("balances")

    /** The codes of the currencies enabled for the merchant. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun currencies(): List<String> = left("currencies")

    /** The codes of the customer segments. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun segments(): List<String> = left("segments")

    /** All banks, wallets and blockchains, of any direction and currency. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentOperators(): List<PaymentOperator> = left("paymentOperators")

    /** The codes of all payment methods, of both directions. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentMethods(): List<String> = left("paymentMethods")

    /** All methods and operators with their limits for this merchant: see [Client.paymentOptions]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentOptions(): List<PaymentOption> = paymentOptions(PaymentOptionFilter())

    /** Those of them that pass a filter. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun paymentOptions(filter: PaymentOptionFilter = PaymentOptionFilter()): List<PaymentOption> =
        left("paymentOptions")

    /** The merchant, as it is shown to customers. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun merchantInfo(): MerchantInfo = left("merchantInfo")

    /** A token for someone else, valid for 600 s: see [Client.issueToken]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun issueToken(scope: AccessScope): AccessToken = issueToken(scope, DEFAULT_VALIDITY)

    /** The same, valid for so long: 60 s to 3600 s. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun issueToken(scope: AccessScope, validity: Duration = DEFAULT_VALIDITY): AccessToken =
        left("issueToken")

    /** Proves that host, credentials and clock work, moving nothing. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun checkCredentials(): MerchantInfo = left("checkCredentials")

    /** The ids of the creates under way, also of those that nobody waits for any more: see [Client.createsUnderWay]. */
    public fun createsUnderWay(): List<String> = left("createsUnderWay")

    /** Signs a callback URL for this payout, with no expiry and the signature in the path: see [Client.callbackUrl]. */
    @Throws(KomopayException::class)
    public fun callbackUrl(base: String, payoutId: String): String =
        callbackUrl(base, payoutId, null, SignaturePlace.PATH)

    /** The same, until [expiresAt]. */
    @Throws(KomopayException::class)
    public fun callbackUrl(base: String, payoutId: String, expiresAt: Instant?): String =
        callbackUrl(base, payoutId, expiresAt, SignaturePlace.PATH)

    /** The same, with the signature in this place. */
    @Throws(KomopayException::class)
    public fun callbackUrl(
        base: String,
        payoutId: String,
        expiresAt: Instant? = null,
        place: SignaturePlace = SignaturePlace.PATH,
    ): String = left("callbackUrl")

    /** Reads a callback, and checks that its URL was signed for its payout: see [Client.readCallback]. */
    @Throws(KomopayException::class)
    public fun readCallback(body: ByteArray, url: String): Callback = left("readCallback")

    /** Reads a callback, checks it, and reads the payout from the platform: see [Client.handleCallback]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun handleCallback(body: ByteArray, url: String): Payout = left("handleCallback")

    /** Takes at most 100 changes out of the `changeStore` to handle them: see [Client.takeChanges]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun takeChanges(): List<PayoutChange> = takeChanges(DEFAULT_LIMIT)

    /** Takes at most so many. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun takeChanges(limit: Int = DEFAULT_LIMIT): List<PayoutChange> = left("takeChanges")

    /** Notes in the `changeStore` that a change was handled: see [Client.acknowledgeChange]. */
    @Throws(KomopayException::class, InterruptedException::class)
    public fun acknowledgeChange(payoutId: String, sequence: Long): Unit = left("acknowledgeChange")

    /** Refuses new calls, and waits for the creates on the wire: see [BlockingClient.close]. */
    override fun close() {}
}
