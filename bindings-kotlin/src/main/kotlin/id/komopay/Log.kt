@file:JvmName("Log")

package id.komopay

import id.komopay.ffi.Cancellation
import id.komopay.ffi.NativeLogger
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.launch

/**
 * Takes the records of the log. What a call has to say is told in the thread or coroutine context of its caller (so
 * that an MDC is there), in order with the caller's own lines, before the call returns. What nobody waits for any more
 * is told on a thread of the SDK. What it throws is dropped.
 */
public fun interface Logger {
    /** One record. */
    public fun log(record: LogRecord)
}

/**
 * Sends the log of the SDK to [logger], up to [level]; without one it goes nowhere. What becomes of a create that
 * nobody waits for any more is told there, with its id.
 *
 * ```
 * val log = java.util.logging.Logger.getLogger("komopay")
 * setLogger { record -> if (record.level <= LogLevel.WARN) log.warning(record.text) else log.info(record.text) }
 * ```
 */
@JvmOverloads
public fun setLogger(level: LogLevel = LogLevel.INFO, logger: Logger) {
    val native = object : NativeLogger {
        override fun log(record: LogRecord) {
            runCatching { logger.log(record) }
        }

        override fun wake(call: Long) {
            runCatching { callers[call]?.wake() }
        }
    }
    native {
        id.komopay.ffi.setLogger(native, level)
        ourLogger = logger
    }
}

@Volatile
private var ourLogger: Logger? = null

private val callers = ConcurrentHashMap<Long, Caller>()

private val numbers = AtomicLong()

/** A caller whose call has records, in its context. */
private class Caller(private val context: CoroutineContext, private val records: Cancellation) {
    private var hasEnded = false

    fun wake() {
        CoroutineScope(context.minusKey(Job)).launch { tell { records.takeRecords() } }
    }

    fun end() = tell { records.endRecords().also { hasEnded = true } }

    // One after the other, so that the order holds.
    private fun tell(take: () -> List<LogRecord>) = synchronized(this) {
        if (!hasEnded) take().forEach { record -> runCatching { ourLogger?.log(record) } }
    }
}

/** Runs a call, and tells the logger, if there is one, what the log says of it. */
internal suspend fun <T> heard(creating: Creating?, call: suspend (Cancellation?) -> T): T {
    if (ourLogger == null) return call(creating?.handOver(null))
    val number = numbers.incrementAndGet()
    val records = creating?.handOver(number) ?: Cancellation(number)
    val caller = Caller(currentCoroutineContext(), records)
    callers[number] = caller
    try {
        return call(records)
    } finally {
        callers.remove(number)
        caller.end()
        if (creating == null) records.close()
    }
}
