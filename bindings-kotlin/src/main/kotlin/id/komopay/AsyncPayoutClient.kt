package id.komopay

import java.time.Duration
import java.time.Instant
import java.util.concurrent.CompletableFuture
import java.util.function.Consumer

/**
 * The calls of [AsyncClient]: ask for this where a test shall give something else, and let your program give an
 * [AsyncClient].
 *
 * A mock answers what it is told to. A fake of your own has the calls that a test needs, and no more: each of the
 * others throws an `UnsupportedOperationException`. Errors for it are made with [KomopayExceptionBuilder], and told by
 * `CompletableFuture.failedFuture`.
 */
public interface AsyncPayoutClient : AutoCloseable {
    /** Where the platform is, as it was set; null of a fake, which asks none. */
    public val baseUrl: String? get() = null

    /**
     * This client with another deadline of a call, or with more headers: see [Client.withOptions]. `null` and
     * `Map.of()` leave it as it is.
     */
    @Throws(KomopayException::class)
    public fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): AsyncPayoutClient =
        left("withOptions")

    /** Makes a payout, exactly once: see [Client.createPayout]. Store the id before the first call. */
    public fun createPayout(payoutId: String, request: PayoutRequest): CompletableFuture<PayoutAccepted> =
        createPayout(payoutId, request, false)

    /** The same, and [resume] says that this id may have been sent before. */
    public fun createPayout(
        payoutId: String,
        request: PayoutRequest,
        resume: Boolean,
    ): CompletableFuture<PayoutAccepted> = left("createPayout")

    /** Reads a payout: see [Client.getPayout]. */
    public fun getPayout(payoutId: String): CompletableFuture<Payout> = left("getPayout")

    /** Reads a payout until its status is final, FAILED and REFUSED too: see [Client.waitForPayout]. */
    public fun waitForPayout(payoutId: String, timeout: Duration): CompletableFuture<Payout> = left("waitForPayout")

    /** Waits for many payouts, and hands each one over: see [AsyncClient.waitForPayouts]. */
    public fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double,
        each: Consumer<WaitedPayout>,
    ): CompletableFuture<Void> = left("waitForPayouts")

    /** The ways to pay out this money now: see [Client.payoutOptions]. */
    public fun payoutOptions(money: Money): CompletableFuture<List<PayoutOption>> = payoutOptions(money, null, null)

    /** The same for a segment of customers, and for money that is exchanged. */
    public fun payoutOptions(
        money: Money,
        segmentCode: String?,
        exchangedToCurrency: String?,
    ): CompletableFuture<List<PayoutOption>> = left("payoutOptions")

    /** The balances in these currencies, or in all if none is named: see [Client.balances]. */
    public fun balances(vararg currencies: String): CompletableFuture<List<Balance>> = balances(currencies.asList())

    /** The balances in these currencies, or in all if the list is empty. */
    public fun balances(currencies: List<String>): CompletableFuture<List<Balance>> = left("balances")

    /** The codes of the currencies enabled for the merchant. */
    public fun currencies(): CompletableFuture<List<String>> = left("currencies")

    /** The codes of the customer segments. */
    public fun segments(): CompletableFuture<List<String>> = left("segments")

    /** All banks, wallets and blockchains, of any direction and currency. */
    public fun paymentOperators(): CompletableFuture<List<PaymentOperator>> = left("paymentOperators")

    /** The codes of all payment methods, of both directions. */
    public fun paymentMethods(): CompletableFuture<List<String>> = left("paymentMethods")

    /** All methods and operators with their limits for this merchant: see [Client.paymentOptions]. */
    public fun paymentOptions(): CompletableFuture<List<PaymentOption>> = paymentOptions(PaymentOptionFilter())

    /** Those of them that pass a filter. */
    public fun paymentOptions(filter: PaymentOptionFilter): CompletableFuture<List<PaymentOption>> =
        left("paymentOptions")

    /** The merchant, as it is shown to customers. */
    public fun merchantInfo(): CompletableFuture<MerchantInfo> = left("merchantInfo")

    /** A token for someone else, valid for 600 s: see [Client.issueToken]. */
    public fun issueToken(scope: AccessScope): CompletableFuture<AccessToken> = issueToken(scope, DEFAULT_VALIDITY)

    /** The same, valid for so long: 60 s to 3600 s. */
    public fun issueToken(scope: AccessScope, validity: Duration): CompletableFuture<AccessToken> = left("issueToken")

    /** Proves that host, credentials and clock work, moving nothing. */
    public fun checkCredentials(): CompletableFuture<MerchantInfo> = left("checkCredentials")

    /** The ids of the creates under way, also of those that nobody waits for any more: see [Client.createsUnderWay]. */
    public fun createsUnderWay(): List<String> = left("createsUnderWay")

    /** Signs a callback URL for this payout, with no expiry and the signature in the path: see [Client.callbackUrl]. */
    @Throws(KomopayException::class)
    public fun callbackUrl(base: String, payoutId: String): String =
        callbackUrl(base, payoutId, null, SignaturePlace.PATH)

    /** The same, until [expiresAt], with the signature in this place. */
    @Throws(KomopayException::class)
    public fun callbackUrl(base: String, payoutId: String, expiresAt: Instant?, place: SignaturePlace): String =
        left("callbackUrl")

    /** Reads a callback, and checks that its URL was signed for its payout: see [Client.readCallback]. */
    @Throws(KomopayException::class)
    public fun readCallback(body: ByteArray, url: String): Callback = left("readCallback")

    /** Reads a callback, checks it, and reads the payout from the platform: see [Client.handleCallback]. */
    public fun handleCallback(body: ByteArray, url: String): CompletableFuture<Payout> = left("handleCallback")

    /** Takes at most 100 changes out of the `changeStore` to handle them: see [Client.takeChanges]. */
    public fun takeChanges(): CompletableFuture<List<PayoutChange>> = takeChanges(DEFAULT_LIMIT)

    /** Takes at most so many. */
    public fun takeChanges(limit: Int): CompletableFuture<List<PayoutChange>> = left("takeChanges")

    /** Notes in the `changeStore` that a change was handled: see [Client.acknowledgeChange]. */
    public fun acknowledgeChange(payoutId: String, sequence: Long): CompletableFuture<Void> =
        left("acknowledgeChange")

    /** Refuses new calls, and waits for the creates on the wire: see [AsyncClient.close]. */
    override fun close() {}
}
