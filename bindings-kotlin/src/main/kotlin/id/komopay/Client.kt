package id.komopay

import id.komopay.ffi.Language
import id.komopay.ffi.NativeClient
import id.komopay.ffi.NativeOperations
import id.komopay.ffi.NativeWaits
import id.komopay.ffi.Operation
import id.komopay.ffi.UniffiCleaner
import id.komopay.ffi.run
import id.komopay.ffi.start
import java.lang.invoke.MethodHandle
import java.lang.invoke.MethodHandles
import java.lang.invoke.MethodType
import java.lang.ref.Reference
import java.time.Duration
import java.time.Instant
import kotlin.coroutines.ContinuationInterceptor
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/**
 * A client of the payout API, for any number of coroutines and threads. Java has [BlockingClient] and [AsyncClient],
 * Kotlin without coroutines the first of them. Ask for a [PayoutClient] where a test shall give something else.
 *
 * Cancelling the coroutine of a call, which is also what `withTimeout` does, releases the caller at once. No further
 * attempt of a create starts; what is on the wire is read to its end, and is not undone: make the same call again with
 * `resume = true` to learn what came of it.
 *
 * A bad setting is a [ConfigurationException] that names it. Nothing is sent yet.
 *
 * ```
 * val client = Client(Config(SANDBOX_URL, Credentials.merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"),
 *     totalTimeout = Duration.ofSeconds(30), attemptTimeout = Duration.ofSeconds(10)))
 * ```
 */
public class Client private constructor(
    internal val core: NativeClient,
    override val baseUrl: String,
    // It is kept while this one is there: both are one for whoever ends them.
    private val parent: Client?,
) : PayoutClient {
    private val number = native { core.number() }
    private val watched: UniffiCleaner.Cleanable = parent?.watched ?: Hook.watch(this)

    public constructor(config: Config) : this(made(config), config.baseUrl, null)

    /**
     * This client with another deadline of a whole call (1 ms to 365 days), or with headers for each request of a call,
     * its token call included, besides those of before; one of the same name replaces that. What is left out stays as
     * it is.
     *
     * It shares everything with this one: connections, tokens, the throttle, creates under way; and it is closed when
     * either is. One request has the `attemptTimeout` of the deadline, and at most half of it. A call that joins
     * another one's request has the headers of that. No header may be HTTP's own or this SDK's: `Host`,
     * `Content-Length`, `Authorization`, `Id-Customer`, and so on.
     *
     * A create that joins an equal one under way, and has less time than that, ends with an [OutcomeUnknownException]
     * when its time is over, whether the other was sent or not.
     *
     * Errors: [ConfigurationException], naming `total_timeout` or `headers`; a value of a header is never repeated.
     *
     * ```
     * val hurried = client.withOptions(totalTimeout = Duration.ofSeconds(10), headers = mapOf("X-Job" to "payroll-7"))
     * ```
     */
    override fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): Client =
        Client(native { core.withOptions(totalTimeout, headers) }, baseUrl, this)

    /**
     * Makes a payout, exactly once. Store the id before the first call: one payout has one id for ever.
     *
     * [resume] says "this id may have been sent before": after [OutcomeUnknownException], after a crash or a
     * cancellation, in a job that is run again. Success means that the platform took the payout, not that the money
     * arrived: see [waitForPayout].
     *
     * Errors: [OutcomeUnknownException] must be followed up, the payout may exist; [DuplicatePayoutException] if the id
     * is taken; [InvalidRequestException], [RejectedException], [PermissionDeniedException] and
     * [AuthenticationException] if it was refused; [UnavailableException], [TimedOutException] and
     * [RateLimitedException] if nothing was sent.
     *
     * ```
     * val accepted = client.createPayout("TST-223344", PayoutRequest(
     *     money = Money("10000", "IDR"),
     *     method = BankTransfer("BNK_000", BankAccount("Test account", "11223344"))))
     * ```
     */
    override suspend fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean): PayoutAccepted =
        call(Creating(payoutId, resume)) { NativeOperations.createPayout(payoutId, request, resume) }

    /**
     * Reads a payout, trying again where that may help.
     *
     * Errors: [NotFoundException] if there is none now; [UnavailableException], [TimedOutException] or
     * [RateLimitedException] if it could not be read; [UnexpectedResponseException] if the answer cannot be understood.
     *
     * ```
     * val status = client.getPayout("TST-223344").status
     * ```
     */
    override suspend fun getPayout(payoutId: String): Payout = call { NativeOperations.getPayout(payoutId) }

    /**
     * Reads a payout until its status is final; it returns on FAILED and REFUSED too.
     *
     * Errors: [NotFinalException] when the time is over, with the last payout seen; [NotFoundException] if there is no
     * such payout.
     *
     * ```
     * val payout = client.waitForPayout("TST-223344", Duration.ofSeconds(60))
     * if (payout.status == PayoutStatus.Success) println(payout.fee)
     * ```
     */
    override suspend fun waitForPayout(payoutId: String, timeout: Duration): Payout =
        call { NativeOperations.waitForPayout(payoutId, timeout) }

    /**
     * Waits for many payouts, for [timeout] each: gives each one when its wait has ended, in the order in which they
     * do. An id that is given twice counts once. All reads together are at most [readsPerSecond] (0.001 to 1000000) and
     * 32 at a time, and with the merchant's own secret one token covers 32 payouts.
     *
     * Each collector waits anew. Leaving it (`take`, `first`, a cancellation) ends the reads; while it handles a
     * payout, no others are read. What goes wrong with one payout is told by its [WaitedPayout], and ends no other
     * wait.
     *
     * Errors, thrown to who collects: [InvalidRequestException], naming `reads_per_second` or an id;
     * [ClosedException].
     *
     * ```
     * client.waitForPayouts(ids, Duration.ofMinutes(10)).collect { waited ->
     *     println("${waited.payoutId} ${waited.payout?.status ?: waited.error}")
     * }
     * ```
     */
    override fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double,
    ): Flow<WaitedPayout> = flow {
        waits(payoutIds, timeout, readsPerSecond).use { waits ->
            while (true) emit(next(waits) ?: break)
        }
    }

    /** A wait that has begun. It is to be closed. */
    internal fun waits(payoutIds: Collection<String>, timeout: Duration, readsPerSecond: Double): NativeWaits =
        now { core.waitForPayouts(payoutIds.toList(), timeout, readsPerSecond) }

    /** The next payout of a wait. */
    internal suspend fun next(waits: NativeWaits): WaitedPayout? =
        native { offTheCore { waits.next(null) } }
            ?.let { WaitedPayout(it.payoutId, it.payout, it.failure?.exception()) }

    /**
     * The ways to pay out this money now, with their operators. Where the platform knows none, the list is empty.
     *
     * Errors: [RejectedException] if the money itself is refused, for example for a limit; else as for [getPayout].
     *
     * ```
     * val operators = client.payoutOptions(Money("10000", "IDR")).flatMap { it.operators }.map { it.code }
     * ```
     */
    override suspend fun payoutOptions(
        money: Money,
        segmentCode: String?,
        exchangedToCurrency: String?,
    ): List<PayoutOption> = call { NativeOperations.payoutOptions(money, segmentCode, exchangedToCurrency) }

    /**
     * The balances in these currencies, or in all if none is named; amounts in major units. One without an account is
     * left out.
     *
     * Errors: as for [getPayout].
     *
     * ```
     * val available = client.balances("IDR").single().available
     * ```
     */
    override suspend fun balances(vararg currencies: String): List<Balance> = balances(currencies.asList())

    /** The balances in these currencies, or in all if the list is empty. */
    override suspend fun balances(currencies: List<String>): List<Balance> =
        call { NativeOperations.balances(currencies) }

    /**
     * The codes of the currencies enabled for the merchant.
     *
     * Errors: as for [getPayout].
     */
    override suspend fun currencies(): List<String> = call { NativeOperations.currencies() }

    /**
     * The codes of the customer segments.
     *
     * Errors: as for [getPayout].
     */
    override suspend fun segments(): List<String> = call { NativeOperations.segments() }

    /**
     * All banks, wallets and blockchains, of any direction and currency.
     *
     * Errors: as for [getPayout].
     */
    override suspend fun paymentOperators(): List<PaymentOperator> = call { NativeOperations.paymentOperators() }

    /**
     * The codes of all payment methods, of both directions.
     *
     * Errors: as for [getPayout].
     */
    override suspend fun paymentMethods(): List<String> = call { NativeOperations.paymentMethods() }

    /**
     * Methods and operators with their limits for this merchant, switched off ones included.
     *
     * Errors: [RejectedException] if the platform does not know a code of the filter; else as for [getPayout].
     *
     * ```
     * val options = client.paymentOptions(PaymentOptionFilter(currencies = listOf("IDR")))
     * ```
     */
    override suspend fun paymentOptions(filter: PaymentOptionFilter): List<PaymentOption> =
        call { NativeOperations.paymentOptions(filter) }

    /**
     * The merchant, as it is shown to customers.
     *
     * Errors: as for [getPayout].
     */
    override suspend fun merchantInfo(): MerchantInfo = call { NativeOperations.merchantInfo() }

    /**
     * A token for someone else, such as a mobile app, valid for so long (60 s to 3600 s).
     *
     * Errors: [InvalidRequestException] if scope or validity cannot be asked for; [ConfigurationException] (field
     * `credentials`) if this client has only a token itself; [AuthenticationException] if the credentials were not
     * accepted; [RejectedException] if a business rule said no.
     *
     * ```
     * val token = client.issueToken(AccessScope.payout("TST-223344", Money("10000", "IDR")))
     * ```
     */
    override suspend fun issueToken(scope: AccessScope, validity: Duration): AccessToken =
        AccessToken(call { NativeOperations.issueToken(scope, validity) })

    /**
     * Proves that host, credentials and clock work, moving nothing.
     *
     * Errors: what is wrong, as any other call would tell it.
     */
    override suspend fun checkCredentials(): MerchantInfo = call { NativeOperations.checkCredentials() }

    /**
     * The ids of the creates under way, also of those that nobody waits for any more. A program that ends now does not
     * learn their outcomes, and may have made any of them. When the JVM shuts down they are logged: see
     * [setShutdownHook].
     */
    override fun createsUnderWay(): List<String> = now { NativeOperations.createsUnderWay(number) }

    /**
     * Signs a callback URL for this payout: the URL to hand over as the request's `callbackUrl`. Nothing is sent.
     *
     * The platform signs no callback. So the URL carries a keyed signature over this id and its expiry, by the first of
     * the `callbackKeys`. Host and path are not signed, since proxies rewrite them.
     *
     * Errors: [ConfigurationException] (field `callback_keys`) without a key; [InvalidRequestException] (field
     * `callback_url`) if [base] is not an absolute https URL (plain http is for loopback), holds a user name, a
     * password, a fragment or a signature, or is longer than 1000 characters when it is signed, or (field `expires_at`)
     * if that is not in the future.
     *
     * ```
     * val request = PayoutRequest(money, method, callbackUrl = client.callbackUrl("https://shop.example/komopay",
     * "TST-223344"))
     * ```
     *
     * @param expiresAt When the URL ends; never, if it is left out. Leave time for the payout, which may take days, and
     * for the platform's repeats.
     * @param place Where the signature stands: in the path, unless the server knows exact paths only.
     */
    override fun callbackUrl(
        base: String,
        payoutId: String,
        expiresAt: Instant?,
        place: SignaturePlace,
    ): String = now { NativeOperations.callbackUrl(number, base, payoutId, expiresAt, place) }

    /**
     * Reads a callback, and checks that its URL was signed for its payout. Nothing is sent. Servers use
     * [PayoutCallbacks].
     *
     * [body] is the raw body of the request; [url] is the URL that was requested, absolute or from its path on. A
     * client without `callbackKeys` reads the body only, and says that it is not verified.
     *
     * Errors: [InvalidCallbackException], whose field tells what is wrong: `body`, `body_size` (over 64 KiB), `url`
     * (over 8 KiB), `signature` (missing, forged, or for another payout) or `expires_at` (over).
     */
    override fun readCallback(body: ByteArray, url: String): Callback =
        Callback(now { NativeOperations.readCallback(number, body, url) })

    /**
     * Reads a callback, checks it, and reads the payout from the platform: who calls never says the status. Servers use
     * [PayoutCallbacks].
     *
     * Where there is a `changeStore`, a change is in it when this returns. Answer with 200 then, and with
     * [KomopayException.callbackStatus] after an error, so that the platform repeats what was not dealt with. Of
     * callbacks for one payout, those that come while it is read share one more read.
     *
     * Errors: as for [readCallback], and nothing is sent then; [ConfigurationException] (field `callback_keys`) without
     * a key; [UnavailableException] (field `change_store`) if that failed; else as for [getPayout].
     *
     * ```
     * val payout = client.handleCallback(body, "/komopay/1.0.pK3...")
     * ```
     */
    override suspend fun handleCallback(body: ByteArray, url: String): Payout =
        call { NativeOperations.handleCallback(body, url) }

    /**
     * Takes changes out of the `changeStore` to handle them: at most [limit], the oldest first, and of one payout only
     * the first that was not acknowledged. For the time of `changeLease`, nobody else is given them. Servers use
     * [PayoutCallbacks].
     *
     * Acknowledge each when it is handled. One that is not acknowledged in time is given again, perhaps while a slow
     * worker is still at it, who must not undo what came after. So keep, for each payout, the highest `sequence` that
     * was handled, in one transaction with what is done for it, and ignore a change whose number is not above it.
     *
     * Errors: [ConfigurationException] (field `change_store`) without one; [UnavailableException] (the same field) if
     * it failed.
     *
     * ```
     * for (change in client.takeChanges(10)) {
     *     println("${change.payoutId} is now ${change.payout.status}")
     *     client.acknowledgeChange(change.payoutId, change.sequence)
     * }
     * ```
     */
    override suspend fun takeChanges(limit: Int): List<PayoutChange> =
        call { NativeOperations.takeChanges(limit) }

    /**
     * Notes in the `changeStore` that a change was handled: it is never given again.
     *
     * Errors: as for [takeChanges].
     */
    override suspend fun acknowledgeChange(payoutId: String, sequence: Long): Unit =
        call { NativeOperations.acknowledgeChange(payoutId, sequence) }

    /**
     * Refuses new calls, and waits for the creates on the wire, up to their deadlines. It may be called again.
     *
     * Cancelled, it does not wait any more; what is on the wire is read to its end, but only while the process lives: a
     * program should close its client before it ends.
     */
    override suspend fun close() {
        abandon()
        native { offTheCore { start(NativeOperations.shutDown(), number, null) } }
        watched.clean()
    }

    /** [close] for who blocks. */
    internal fun closeBlocking() {
        abandon()
        block { NativeOperations.shutDown() }
        watched.clean()
    }

    /** Whether this client has what callbacks need. */
    internal fun checkCallbacks(): Unit = now { NativeOperations.checkCallbacks(number) }

    /** Refuses new calls, and waits for nothing. */
    internal fun abandon(): Unit = now { NativeOperations.refuseCalls(number) }

    /** Shows where the platform is, and nothing else. */
    override fun toString(): String = "Client($baseUrl)"

    private suspend fun <T> call(creating: Creating? = null, operation: () -> Operation<T>): T = kept {
        native(creating) {
            // A caller that has left already sends nothing.
            currentCoroutineContext().ensureActive()
            val ready = operation()
            offTheCore { start(ready, number, creating) }
        }
    }

    /** The same on the caller's own thread, which waits. One that is virtual would hold its carrier, and suspends. */
    internal fun <T> block(creating: Creating? = null, operation: () -> Operation<T>): T {
        // A thread that was interrupted before sends nothing.
        if (Thread.interrupted()) throw InterruptedException()
        if (isVirtual()) return runBlocking { call(creating, operation) }
        return kept { native(creating) { run(operation(), number, creating) } }
    }

    private inline fun <T> now(operation: () -> T): T = kept { native { operation() } }

    /** The core's half goes when this one is collected, and here is only its number. */
    private inline fun <T> kept(call: () -> T): T = try {
        call()
    } finally {
        Reference.reachabilityFence(this)
    }
}

private fun made(config: Config): NativeClient {
    Libraries.check()
    logByDefault()
    return native { NativeClient(config, Language.KOTLIN) }
}

/**
 * Lets the caller go on anywhere but in the core's thread that woke it: there are two for all calls, and without a
 * dispatcher (`Dispatchers.Unconfined`) a caller that blocks there would hold up every other call.
 */
private suspend fun <T> offTheCore(call: suspend () -> T): T {
    val context = currentCoroutineContext()
    val dispatcher = context[ContinuationInterceptor] as? CoroutineDispatcher
    // Not always: a `BlockingClient` in a thread of the very dispatcher that it would need there could wait for ever.
    if (dispatcher?.isDispatchNeeded(context) == true) return call()
    return withContext(Dispatchers.IO) { call() }
}

private val IS_VIRTUAL: MethodHandle? = try {
    MethodHandles.publicLookup()
        .findVirtual(Thread::class.java, "isVirtual", MethodType.methodType(Boolean::class.javaPrimitiveType))
} catch (_: ReflectiveOperationException) {
    // Before Java 21 there are none.
    null
}

private fun isVirtual(): Boolean = IS_VIRTUAL != null && IS_VIRTUAL.invoke(Thread.currentThread()) as Boolean

/**
 * Runs [block] with this client, and closes it. When the coroutine is cancelled it does not wait for creates on the
 * wire.
 *
 * ```
 * Client(config).use { client -> client.createPayout(id, request) }
 * ```
 */
public suspend fun <R> Client.use(block: suspend (Client) -> R): R {
    try {
        return block(this).also { close() }
    } catch (thrown: Throwable) {
        try {
            if (thrown is CancellationException) abandon() else close()
        } catch (another: Throwable) {
            thrown.addSuppressed(another)
        }
        throw thrown
    }
}

internal const val DEFAULT_LIMIT = 100

internal const val DEFAULT_READS_PER_SECOND = 100.0

internal val DEFAULT_VALIDITY: Duration = Duration.ofSeconds(600)
