package id.komopay

import java.time.Duration
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible

/** Handles a change of a payout. */
public fun interface ChangeHandler {
    /**
     * Returns when the change is dealt with; what it throws is told to the [FailureListener], and the change comes
     * again.
     *
     * Wait here for what runs elsewhere: `change -> orders.updateAsync(change).join()`, or `.block()` of a `Mono`. Java
     * drops what an expression returns, and what is not waited for may never be done.
     */
    @Throws(Exception::class)
    public fun handle(change: PayoutChange)
}

/**
 * [PayoutCallbacks] for Java, and for Kotlin without coroutines. The handler runs in a thread of its own, which is
 * interrupted if it outlasts [close].
 *
 * ```java
 * var callbacks = new BlockingPayoutCallbacks(client, change -> orders.update(change.getPayoutId(),
 * change.getPayout())); int status = callbacks.receive(body, "/komopay/1.0.pK3...");
 * ```
 */
public class BlockingPayoutCallbacks @JvmOverloads constructor(
    client: BlockingClient,
    handler: ChangeHandler,
    pollInterval: Duration = POLL_INTERVAL,
    onFailure: FailureListener = LOG,
) : AutoCloseable {
    private val callbacks = PayoutCallbacks(client.client, pollInterval, onFailure) { change ->
        runInterruptible(Dispatchers.IO) {
            try {
                handler.handle(change)
            } finally {
                // A handler that leaves its thread interrupted would interrupt whoever has it next.
                Thread.interrupted()
            }
        }
    }

    /** How much of a body to read at most, in bytes: one more than are accepted. */
    public val bodyLimit: Int get() = callbacks.bodyLimit

    /** Deals with a callback, and returns the HTTP status to answer with: see [PayoutCallbacks.receive]. */
    @Throws(InterruptedException::class)
    public fun receive(body: ByteArray, url: String): Int = runBlocking { callbacks.receive(body, url) }

    /** Takes no more changes, and waits for the handler: see [PayoutCallbacks.close]. */
    override fun close(): Unit = callbacks.close()
}
