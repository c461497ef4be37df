package id.komopay

import id.komopay.ffi.callbackBodyLimit
import java.time.Duration
import java.util.logging.Level
import java.util.logging.Logger as JdkLogger
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull

/** Is told what went wrong with a callback or a change, where nobody waits who could be thrown at. */
public fun interface FailureListener {
    /** [text] says what becomes of it, and holds nothing secret; [thrown] may be the application's own. */
    public fun failed(text: String, thrown: Throwable)
}

/**
 * Receives callbacks, and gives each change of a payout to [handler]: what the adapters for Ktor and Spring Boot are made
 * of. For another server, give [receive] what comes in, and answer with the status that it returns.
 *
 * The changes come from the client's `changeStore`, one after the other: those that were left there when the program last
 * ended, then those that callbacks and reads record. A change is acknowledged when [handler] returns. If it throws, the
 * change is given again after the `changeLease`, and that of another payout comes first, perhaps
 * while a slow handler is still at it: keep, for each payout, the highest `sequence` that was handled, in one transaction
 * with what is done for it, and ignore a change whose number is not above it.
 *
 * A client without a `changeStore` is refused with a [ConfigurationException]; it needs `callbackKeys`, too. Close this
 * before the client.
 *
 * ```
 * val callbacks = PayoutCallbacks(client) { change -> orders.update(change.payoutId, change.payout.status) }
 * val status = callbacks.receive(body, "/komopay/1.0.pK3...")
 * ```
 *
 * @param pollInterval How often the store is asked for what this program was not told of: changes that other processes
 * recorded, and those whose lease has ended. 5 s; 1 ms to 1 day.
 * @param onFailure Is told what went wrong; by default the logger `id.komopay` of `java.util.logging`.
 */
public class PayoutCallbacks(
    private val client: Client,
    private val pollInterval: Duration = POLL_INTERVAL,
    private val onFailure: FailureListener = LOG,
    private val handler: suspend (PayoutChange) -> Unit,
) : AutoCloseable {
    init {
        require(pollInterval in SHORTEST_POLL..LONGEST_POLL) { "pollInterval must be 1 ms to 1 day" }
        // Now and not in the background, where a store that is missing or broken would be told every few seconds.
        runBlocking { client.takeChanges(0) }
    }

    private val wake = Channel<Unit>(Channel.CONFLATED)

    @Volatile
    private var closing = false

    private val loop = CoroutineScope(Dispatchers.Default).launch {
        while (!closing) {
            drain()
            withTimeoutOrNull(pollInterval.toMillis()) { wake.receive() }
        }
    }

    /** How much of a body to read at most, in bytes: one more than are accepted. */
    public val bodyLimit: Int = native { callbackBodyLimit() } + 1

    /**
     * Deals with a callback: [body] is the raw body of the request, [url] is the URL that was requested, absolute or from its
     * path on. Returns the HTTP status to answer with: 200 if the change is in the store, and else what the core says.
     */
    public suspend fun receive(body: ByteArray, url: String): Int = try {
        client.handleCallback(body, url)
        wake.trySend(Unit)
        200
    } catch (error: KomopayException) {
        error.callbackStatus.also { tell("a callback is answered with $it", error) }
    }

    /**
     * Takes no more changes, and waits for the handler, up to 10 s; then it is cancelled, and its change given again after the
     * lease. A thread that is interrupted stays so, and does not wait any more. It may be called again.
     */
    override fun close() {
        closing = true
        wake.trySend(Unit)
        try {
            runBlocking { withTimeoutOrNull(GRACE.toMillis()) { loop.join() } }
        } catch (_: InterruptedException) {
            Thread.currentThread().interrupt()
        }
        loop.cancel()
    }

    private suspend fun drain() {
        // One at a time, so that the lease of a change begins when its handling does.
        while (!closing) handle(take() ?: return)
    }

    private suspend fun take(): PayoutChange? = try {
        client.takeChanges(1).firstOrNull()
    } catch (_: ClosedException) {
        closing = true
        null
    } catch (error: KomopayException) {
        tell("no changes could be taken; they are asked for again", error)
        null
    }

    private suspend fun handle(change: PayoutChange) {
        try {
            handler(change)
            client.acknowledgeChange(change.payoutId, change.sequence)
        } catch (thrown: Throwable) {
            currentCoroutineContext().ensureActive()
            tell("change ${change.sequence} of payout ${change.payoutId} is given again after the lease", thrown)
        }
    }

    private fun tell(text: String, thrown: Throwable) {
        runCatching { onFailure.failed(text, thrown) }
    }
}

internal val POLL_INTERVAL: Duration = Duration.ofSeconds(5)

internal val LOG = FailureListener { text, thrown ->
    val log = JdkLogger.getLogger("id.komopay")
    // Anybody can send a callback that is refused, and as many as they like.
    if (thrown is InvalidCallbackException) log.info("$text: ${thrown.message}") else log.log(Level.WARNING, text, thrown)
}

private val SHORTEST_POLL = Duration.ofMillis(1)

private val LONGEST_POLL = Duration.ofDays(1)

private val GRACE = Duration.ofSeconds(10)
