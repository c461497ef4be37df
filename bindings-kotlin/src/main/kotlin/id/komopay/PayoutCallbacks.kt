package id.komopay

import id.komopay.ffi.NativeOperations
import java.time.Duration
import java.util.concurrent.CompletionStage
import java.util.concurrent.Future
import java.util.logging.Level
import java.util.logging.Logger as JdkLogger
import kotlin.time.toJavaDuration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.future.await
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull

/**
 * Is told what went wrong with a callback or a change, where nobody waits who could be thrown at. Callbacks that are
 * refused are not told here: anybody can send them, and they are counted in the log of the SDK. Of those that could not
 * be dealt with, the first is told, and then one a minute, with how many there were between.
 */
public fun interface FailureListener {
    /** [text] says what becomes of it, and holds nothing secret; [thrown] may be the application's own. */
    public fun failed(text: String, thrown: Throwable)
}

/**
 * Receives callbacks, and gives each change of a payout to [handler]: what the adapters for Ktor and Spring Boot are
 * made of. For another server, give [receive] what comes in, and answer with the status that it returns.
 *
 * The changes come from the client's `changeStore`, one after the other: those that were left there when the program
 * last ended, then those that callbacks and reads record. A change is acknowledged when [handler] has run to its end:
 * what it launches in its own scope belongs to it, and if its last expression is a `Job`, a `Deferred` or a
 * `CompletionStage`, that is waited for. If it throws, or returns what nobody runs (a `Flow`, a publisher such as
 * `Mono`, a plain `Future`), the change is given again after the `changeLease`, and that of another payout comes first,
 * perhaps while a slow handler is still at it: keep, for each payout, the highest `sequence` that was handled, in one
 * transaction with what is done for it, and ignore a change whose number is not above it.
 *
 * A client without `callbackKeys` or a `changeStore` is refused with a [ConfigurationException]. Close this before the
 * client.
 *
 * ```
 * val callbacks = PayoutCallbacks(client) { change -> orders.update(change.payoutId, change.payout.status) }
 * val status = callbacks.receive(body, "/komopay/1.0.pK3...")
 * ```
 *
 * @param pollInterval How often the store is asked for what this program was not told of: changes that other processes
 * recorded, and those whose lease has ended. 5 s; 1 ms to 1 day.
 * @param onFailure Is told what went wrong; by default the logger `id.komopay` of SLF4J, or where that is not there
 * of `java.util.logging`.
 */
public class PayoutCallbacks(
    private val client: Client,
    private val pollInterval: Duration = POLL_INTERVAL,
    private val onFailure: FailureListener = LOG,
    // Of what it returns nothing may be dropped: that may be what still has to be done.
    private val handler: suspend (PayoutChange) -> Any?,
) : AutoCloseable {
    /** The same with a time span of Kotlin. */
    public constructor(
        client: Client,
        pollInterval: kotlin.time.Duration,
        onFailure: FailureListener = LOG,
        handler: suspend (PayoutChange) -> Any?,
    ) : this(client, pollInterval.toJavaDuration(), onFailure, handler)

    init {
        require(pollInterval in SHORTEST_POLL..LONGEST_POLL) { "pollInterval must be 1 ms to 1 day" }
        // Without keys, every callback would be answered with 500.
        client.checkCallbacks()
        // Now and not in the background, where a store that is broken would be told every few seconds.
        runBlocking { client.takeChanges(0) }
    }

    private val wake = Channel<Unit>(Channel.CONFLATED)
    private val failures = OnceAMinute()

    @Volatile
    private var closing = false

    private val loop = CoroutineScope(Dispatchers.Default).launch {
        try {
            while (!closing) {
                drain()
                withTimeoutOrNull(pollInterval.toMillis()) { wake.receive() }
            }
        } catch (thrown: Throwable) {
            val isUnexpected = !closing
            // From here on, callbacks are answered with 503: this told once is enough.
            closing = true
            if (isUnexpected) tell("no changes are handled any more: they stay in the store", thrown)
        }
    }

    /** How much of a body to read at most, in bytes: one more than are accepted. */
    public val bodyLimit: Int = native { NativeOperations.callbackBodyLimit() } + 1

    /**
     * Deals with a callback: [body] is the raw body of the request, [url] is the URL that was requested, absolute or
     * from its path on. Returns the HTTP status to answer with: 200 if the change is in the store, 503 once this is
     * closed or its work has ended, and else what the core says.
     */
    public suspend fun receive(body: ByteArray, url: String): Int = try {
        if (loop.isActive && !closing) {
            client.handleCallback(body, url)
            wake.trySend(Unit)
            200
        } else {
            503
        }
    } catch (error: KomopayException) {
        // What is refused anybody can send, as often as they like: the core counts it, and says so. Who has the URL of
        // one payout can send that as often.
        if (error !is InvalidCallbackException) {
            failures.take()?.let { tell("a callback is answered with ${error.callbackStatus}$it", error) }
        }
        error.callbackStatus
    }

    /**
     * Takes no more changes, and waits for the handler, up to 10 s; then it is cancelled, and its change given again
     * after the lease. A thread that is interrupted stays so, and does not wait any more. It may be called again.
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
    } catch (thrown: Throwable) {
        currentCoroutineContext().ensureActive()
        // The client was closed before this, and nothing comes any more; or the JVM shuts down, as it may.
        if (thrown is ClosedException) closing = closing || Hook.ending
        if (thrown is ClosedException && !closing) throw thrown
        if (!closing) tell("no changes could be taken; they are asked for again", thrown)
        null
    }

    private suspend fun handle(change: PayoutChange) {
        try {
            // In a scope of its own, which it may cancel.
            coroutineScope { finish(handler(change)) }
            client.acknowledgeChange(change.payoutId, change.sequence)
        } catch (thrown: Throwable) {
            currentCoroutineContext().ensureActive()
            tell("change ${change.sequence} of payout ${change.payoutId} is given again after the lease", thrown)
        }
    }

    /** Waits for what a handler left to be done. */
    private suspend fun finish(returned: Any?) {
        when (returned) {
            is CompletionStage<*> -> returned.await()
            is Deferred<*> -> returned.await()
            is Job -> {
                returned.join()
                if (returned.isCancelled) throw CancellationException("what the handler launched did not end well")
            }
            is Future<*>, is Flow<*> -> refuse(returned)
            null, Unit -> {}
            else -> if (interfaces(returned.javaClass).any { it.name in PUBLISHERS }) refuse(returned)
        }
    }

    private fun refuse(returned: Any): Nothing = throw IllegalStateException(
        "the handler returned a ${returned.javaClass.name}, which may not have run: wait for its end in the handler")

    private fun tell(text: String, thrown: Throwable) {
        runCatching { onFailure.failed(text, thrown) }
    }
}

/** Lets the first of many be told, and then one a minute, which says how many were not. */
internal class OnceAMinute(private val nanos: () -> Long = System::nanoTime) {
    private var since: Long? = null
    private var untold = 0

    /** What to add to the text if this one is to be told. */
    @Synchronized
    fun take(): String? {
        val now = nanos()
        if (since?.let { now - it < MINUTE } == true) {
            untold++
            return null
        }
        since = now
        return if (untold == 0) "" else "; $untold more were not told before this one".also { untold = 0 }
    }

    private companion object {
        val MINUTE: Long = Duration.ofMinutes(1).toNanos()
    }
}

internal val POLL_INTERVAL: Duration = Duration.ofSeconds(5)

internal val LOG = FailureListener { text, thrown ->
    if (hasSlf4j) slf4j.warn(text, thrown) else JdkLogger.getLogger(LOG_NAME).log(Level.WARNING, text, thrown)
}

private fun interfaces(type: Class<*>): Sequence<Class<*>> =
    generateSequence(type) { it.superclass }.flatMap { it.interfaces.asSequence() }
        .flatMap { sequenceOf(it) + interfaces(it) }

/** What gives its values to who subscribes, and does nothing before: `Mono`, `Uni`, `Single` ... */
private val PUBLISHERS = setOf("java.util.concurrent.Flow\$Publisher", "org.reactivestreams.Publisher")

private val SHORTEST_POLL = Duration.ofMillis(1)

private val LONGEST_POLL = Duration.ofDays(1)

private val GRACE = Duration.ofSeconds(10)
