package id.komopay

import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.flow.Flow

/**
 * The calls of [Client]: ask for this where a test shall give something else, and let your program give a [Client].
 *
 * A mock answers what it is told to. A fake of your own has the calls that a test needs, and no more: each of the
 * others throws an `UnsupportedOperationException`. Errors for it are made with [KomopayExceptionBuilder].
 *
 * ```
 * class Payroll(private val client: PayoutClient)
 *
 * class LosesAnswers : PayoutClient {
 *     override suspend fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean): PayoutAccepted =
 *         throw KomopayExceptionBuilder(ErrorKind.OUTCOME_UNKNOWN).payoutId(payoutId).build()
 * }
 * ```
 */
public interface PayoutClient {
    /** Where the platform is, as it was set; null of a fake, which asks none. */
    public val baseUrl: String? get() = null

    /** This client with another deadline of a call, or with more headers: see [Client.withOptions]. */
    public fun withOptions(totalTimeout: Duration? = null, headers: Map<String, String> = emptyMap()): PayoutClient =
        left("withOptions")

    /** Makes a payout, exactly once: see [Client.createPayout]. Store the id before the first call. */
    public suspend fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean = false): PayoutAccepted =
        left("createPayout")

    /** Reads a payout: see [Client.getPayout]. */
    public suspend fun getPayout(payoutId: String): Payout = left("getPayout")

    /** Reads a payout until its status is final, FAILED and REFUSED too: see [Client.waitForPayout]. */
    public suspend fun waitForPayout(payoutId: String, timeout: Duration): Payout = left("waitForPayout")

    /** Waits for many payouts, for so long each: see [Client.waitForPayouts]. */
    public fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double = DEFAULT_READS_PER_SECOND,
    ): Flow<WaitedPayout> = left("waitForPayouts")

    /** The ways to pay out this money now: see [Client.payoutOptions]. */
    public suspend fun payoutOptions(
        money: Money,
        segmentCode: String? = null,
        exchangedToCurrency: String? = null,
    ): List<PayoutOption> = left("payoutOptions")

    /** The balances in these currencies, or in all if none is named: see [Client.balances]. */
    public suspend fun balances(vararg currencies: String): List<Balance> = balances(currencies.asList())

    /** The balances in these currencies, or in all if the list is empty. */
    public suspend fun balances(currencies: List<String>): List<Balance> = left("balances")

    /** The codes of the currencies enabled for the merchant: see [Client.currencies]. */
    public suspend fun currencies(): List<String> = left("currencies")

    /** The codes of the customer segments: see [Client.segments]. */
    public suspend fun segments(): List<String> = left("segments")

    /** All banks, wallets and blockchains, of any direction and currency: see [Client.paymentOperators]. */
    public suspend fun paymentOperators(): List<PaymentOperator> = left("paymentOperators")

    /** The codes of all payment methods, of both directions: see [Client.paymentMethods]. */
    public suspend fun paymentMethods(): List<String> = left("paymentMethods")

    /** Methods and operators with their limits for this merchant: see [Client.paymentOptions]. */
    public suspend fun paymentOptions(filter: PaymentOptionFilter = PaymentOptionFilter()): List<PaymentOption> =
        left("paymentOptions")

    /** The merchant, as it is shown to customers: see [Client.merchantInfo]. */
    public suspend fun merchantInfo(): MerchantInfo = left("merchantInfo")

    /** A token for someone else, valid for 600 s or for so long (60 s to 3600 s): see [Client.issueToken]. */
    public suspend fun issueToken(scope: AccessScope, validity: Duration = DEFAULT_VALIDITY): AccessToken =
        left("issueToken")

    /** Proves that host, credentials and clock work, moving nothing: see [Client.checkCredentials]. */
    public suspend fun checkCredentials(): MerchantInfo = left("checkCredentials")

    /** The ids of the creates under way, also of those that nobody waits for any more: see [Client.createsUnderWay]. */
    public fun createsUnderWay(): List<String> = left("createsUnderWay")

    /** Signs a callback URL for this payout: see [Client.callbackUrl]. */
    public fun callbackUrl(
        base: String,
        payoutId: String,
        expiresAt: Instant? = null,
        place: SignaturePlace = SignaturePlace.PATH,
    ): String = left("callbackUrl")

    /** Reads a callback, and checks that its URL was signed for its payout: see [Client.readCallback]. */
    public fun readCallback(body: ByteArray, url: String): Callback = left("readCallback")

    /** Reads a callback, checks it, and reads the payout from the platform: see [Client.handleCallback]. */
    public suspend fun handleCallback(body: ByteArray, url: String): Payout = left("handleCallback")

    /** Takes changes out of the `changeStore` to handle them: see [Client.takeChanges]. */
    public suspend fun takeChanges(limit: Int = DEFAULT_LIMIT): List<PayoutChange> = left("takeChanges")

    /** Notes in the `changeStore` that a change was handled: see [Client.acknowledgeChange]. */
    public suspend fun acknowledgeChange(payoutId: String, sequence: Long): Unit = left("acknowledgeChange")

    /** Refuses new calls, and waits for the creates on the wire: see [Client.close]. */
    public suspend fun close() {}
}

/** A call that an implementation left out. */
internal fun left(call: String): Nothing =
    throw UnsupportedOperationException("this implementation has no $call: override it")
