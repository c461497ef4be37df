@file:JvmName("Log")

package id.komopay

import id.komopay.ffi.Answer
import id.komopay.ffi.Border
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

/** Whether anybody wants to know what the log says. */
internal val isHeard: Boolean get() = ourLogger != null

/** Tells the logger, on this thread. */
internal fun tell(records: List<LogRecord>) {
    for (record in records) runCatching { ourLogger?.log(record) }
}

private val callers = ConcurrentHashMap<Long, Caller>()

private val numbers = AtomicLong()

/** A caller that suspends, whose call has records, in its context. */
private class Caller(private val context: CoroutineContext, private val call: Long) {
    private var hasEnded = false

    fun wake() {
        CoroutineScope(context.minusKey(Job)).launch { tellInOrder() }
    }

    @Synchronized
    private fun tellInOrder() {
        if (!hasEnded) Answer(Border.records(call)).tell()
    }

    /** Nothing is told after this but what comes with the end of the call. */
    @Synchronized
    fun end() {
        hasEnded = true
    }
}

/** Runs a call that suspends, with a number of its own, and listens to what the log says of it. */
internal suspend fun <T> heard(call: suspend (Long) -> T): T {
    val number = numbers.incrementAndGet()
    if (!isHeard) return call(number)
    callers[number] = Caller(currentCoroutineContext(), number)
    try {
        return call(number)
    } finally {
        callers.remove(number)
    }
}

/** The call of this number has ended: what is still to be told comes with its end. */
internal fun hasEnded(call: Long) {
    if (isHeard) callers[call]?.end()
}
