/* The end of the JVM: no create is left behind without its id in the log. */
@file:JvmName("Shutdown")

package id.komopay

import id.komopay.ffi.UniffiCleaner
import id.komopay.ffi.UniffiLib
import id.komopay.ffi.anyCreateUnderWay
import id.komopay.ffi.endOfProcess
import id.komopay.ffi.flushLog
import kotlin.concurrent.thread

/**
 * Whether the SDK sees to the creates under way when the JVM shuts down: it does, unless it is told not to.
 *
 * As soon as the JVM shuts down (`SIGTERM`, `System.exit`, the end of the last thread that is no daemon), every client
 * that is not closed refuses calls with a [ClosedException]; creates under way have 5 s; then the ids of those that
 * have not ended are in the log, at WARN, and on standard error, since others may have closed the log by then.
 *
 * Hooks run all at once. An application that still makes payouts in a hook of its own, as a server does that first ends
 * what it has begun, says `false` and closes its client as the last thing there. Nobody else names what is left then.
 *
 * ```
 * setShutdownHook(false)
 * Runtime.getRuntime().addShutdownHook(thread(start = false) {
 *     server.stop()
 *     client.close()
 * })
 * ```
 */
public fun setShutdownHook(enabled: Boolean) {
    Hook.enabled = enabled
}

/**
 * One hook for all clients of this class loader. It is there while one of them is open or a create is under way: since
 * it keeps this class loader, the core can still reach its logger then, and longer than that it may not stay.
 */
internal object Hook {
    @Volatile
    internal var enabled = true

    /** Whether the JVM shuts down, and clients refuse calls because of that. */
    @Volatile
    internal var ending = false
        private set

    private var open = 0
    private var hook: Thread? = null

    /** Notes an open client. What is returned notes, once, that it is open no more; the collector does so, too. */
    @Synchronized
    internal fun watch(client: Client): UniffiCleaner.Cleanable {
        if (hook == null) {
            // Not the loader of whoever happens to make the first client.
            val own = Hook::class.java.classLoader
            val thread = thread(start = false, contextClassLoader = own, name = "komopay-shutdown", block = ::end)
            // What the hook needs is loaded now: later, this class loader may have been closed.
            client.createsUnderWay()
            try {
                Runtime.getRuntime().addShutdownHook(thread)
                hook = thread
            } catch (_: IllegalStateException) {
                // The JVM shuts down already, and nobody would name what this client leaves.
                if (enabled) client.abandon()
            }
        }
        open += 1
        return UniffiLib.CLEANER.register(client, ::release)
    }

    @Synchronized
    private fun release() {
        open -= 1
        val thread = hook ?: return
        if (open > 0 || anyCreateUnderWay()) return
        try {
            Runtime.getRuntime().removeShutdownHook(thread)
            hook = null
        } catch (_: IllegalStateException) {
            // The JVM shuts down: it runs, or will.
        }
    }

    private fun end() {
        if (!enabled) return
        ending = true
        val work = thread(isDaemon = true, name = "komopay-shutdown-work") {
            for (leftBehind in endOfProcess()) System.err.println("komopay: $leftBehind")
            flushLog()
        }
        // Neither a logger that hangs nor a standard error that nobody reads holds up the end.
        work.join(LIMIT_MS)
    }

    private const val LIMIT_MS = 10_000L
}
