package id.komopay

import java.time.Duration
import java.time.Instant
import java.util.concurrent.CompletableFuture
import java.util.function.Consumer
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.future.future

/**
 * A client of the payout API for Java that waits for nothing: each call gives a `CompletableFuture`, and no thread
 * waits for its end. Kotlin has [Client], whose calls suspend.
 *
 * A future ends with the result or with a [KomopayException], which `join` and `get` wrap once, as they do. Cancelling
 * it, or letting it end by `orTimeout`, releases the call as the cancellation of a coroutine does: no further attempt
 * of a create starts; what is on the wire is read to its end, and is not undone. Make the same call again with `resume`
 * to learn what came of it. Cancel the future that the call gave: one that `thenApply` gave stands for itself.
 *
 * What is put behind a future with `thenApply` and the like runs on threads of `Dispatchers.IO`, and may block there;
 * `thenApplyAsync` takes an executor of your own. So does what the log says of a call.
 *
 * A bad setting is a [ConfigurationException] that names it. Nothing is sent yet.
 *
 * ```java
 * try (var client = new AsyncClient(config)) {
 *     client.createPayout("TST-223344", request)
 *         .thenCompose(accepted -> client.waitForPayout("TST-223344", Duration.ofSeconds(60)))
 *         .thenAccept(payout -> System.out.println(payout.getStatus()))
 *         .join();
 * }
 * ```
 */
public class AsyncClient private constructor(private val blocking: BlockingClient) : AsyncPayoutClient {
    private val client = blocking.client

    // It checks the libraries before `Client` is loaded.
    public constructor(config: Config) : this(BlockingClient(config))

    override val baseUrl: String get() = blocking.baseUrl

    /**
     * This client with another deadline of a call, or with more headers; `null` and `Map.of()` leave it as it is. It
     * shares everything with this one, and is closed when either is: see [Client.withOptions].
     */
    @Throws(KomopayException::class)
    override fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): AsyncClient =
        AsyncClient(blocking.withOptions(totalTimeout, headers))

    override fun createPayout(
        payoutId: String,
        request: PayoutRequest,
        resume: Boolean,
    ): CompletableFuture<PayoutAccepted> = begun { createPayout(payoutId, request, resume) }

    override fun getPayout(payoutId: String): CompletableFuture<Payout> = begun { getPayout(payoutId) }

    override fun waitForPayout(payoutId: String, timeout: Duration): CompletableFuture<Payout> =
        begun { waitForPayout(payoutId, timeout) }

    /**
     * Waits for many payouts, as [Client.waitForPayouts] does, and hands each one to [each] when its wait has ended:
     * one after the other, on a thread of `Dispatchers.IO`. What that throws ends the wait and the future with it;
     * cancelling the future ends the wait.
     */
    override fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double,
        each: Consumer<WaitedPayout>,
    ): CompletableFuture<Void> =
        finished { waitForPayouts(payoutIds, timeout, readsPerSecond).collect(each::accept) }

    override fun payoutOptions(
        money: Money,
        segmentCode: String?,
        exchangedToCurrency: String?,
    ): CompletableFuture<List<PayoutOption>> = begun { payoutOptions(money, segmentCode, exchangedToCurrency) }

    override fun balances(currencies: List<String>): CompletableFuture<List<Balance>> = begun { balances(currencies) }

    override fun currencies(): CompletableFuture<List<String>> = begun { currencies() }

    override fun segments(): CompletableFuture<List<String>> = begun { segments() }

    override fun paymentOperators(): CompletableFuture<List<PaymentOperator>> = begun { paymentOperators() }

    override fun paymentMethods(): CompletableFuture<List<String>> = begun { paymentMethods() }

    override fun paymentOptions(filter: PaymentOptionFilter): CompletableFuture<List<PaymentOption>> =
        begun { paymentOptions(filter) }

    override fun merchantInfo(): CompletableFuture<MerchantInfo> = begun { merchantInfo() }

    override fun issueToken(scope: AccessScope, validity: Duration): CompletableFuture<AccessToken> =
        begun { issueToken(scope, validity) }

    override fun checkCredentials(): CompletableFuture<MerchantInfo> = begun { checkCredentials() }

    override fun createsUnderWay(): List<String> = client.createsUnderWay()

    override fun callbackUrl(base: String, payoutId: String, expiresAt: Instant?, place: SignaturePlace): String =
        client.callbackUrl(base, payoutId, expiresAt, place)

    override fun readCallback(body: ByteArray, url: String): Callback = client.readCallback(body, url)

    override fun handleCallback(body: ByteArray, url: String): CompletableFuture<Payout> =
        begun { handleCallback(body, url) }

    override fun takeChanges(limit: Int): CompletableFuture<List<PayoutChange>> = begun { takeChanges(limit) }

    override fun acknowledgeChange(payoutId: String, sequence: Long): CompletableFuture<Void> =
        finished { acknowledgeChange(payoutId, sequence) }

    /**
     * Refuses new calls, and waits for the creates on the wire, up to their deadlines: see [BlockingClient.close].
     */
    override fun close(): Unit = blocking.close()

    /** Shows where the platform is, and nothing else. */
    override fun toString(): String = "Async$client"

    @Suppress("UNCHECKED_CAST")
    private fun finished(call: suspend Client.() -> Unit): CompletableFuture<Void> =
        begun<Any?> { call().let { null } } as CompletableFuture<Void>

    /**
     * Begins on the caller's thread, which goes on as soon as the core has the call. Whoever goes on after it may block
     * there. In no scope: a call that fails ends no other.
     */
    @OptIn(DelicateCoroutinesApi::class)
    private fun <T> begun(call: suspend Client.() -> T): CompletableFuture<T> =
        GlobalScope.future(Dispatchers.IO, CoroutineStart.UNDISPATCHED) { client.call() }
}
