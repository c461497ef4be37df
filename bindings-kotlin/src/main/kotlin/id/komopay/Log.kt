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
 * Sends the log of the SDK to [logger], up to [level]. What becomes of a create that nobody waits for any more is told
 * there, with its id.
 *
 * Without this, the log goes to the logger `id.komopay` of SLF4J, as far as that is enabled, each record with
 * `payout_id`, `kind`, `http_status`, `attempt`, `duration_ms` and `request_id` in the MDC where they are known. Where
 * the application has no SLF4J, it goes nowhere.
 *
 * ```
 * val log = java.util.logging.Logger.getLogger("komopay")
 * setLogger { record -> if (record.level <= LogLevel.WARN) log.warning(record.text) else log.info(record.text) }
 * ```
 */
@JvmOverloads
public fun setLogger(level: LogLevel = LogLevel.INFO, logger: Logger): Unit = Ears.send(logger, level)

/** A logger with levels of its own, which may change at any time. */
internal interface LeveledLogger : Logger {
    /** What it wants to know now; null is nothing. */
    val level: LogLevel?
}

/** Where the log goes. */
private object Ears : NativeLogger {
    @Volatile
    private var logger: Logger? = null

    /** Up to which level the core tells. */
    @Volatile
    private var told: LogLevel? = null

    /** Whether anybody wants to know what the log says. */
    val isHeard: Boolean
        get() {
            val own = logger as? LeveledLogger ?: return logger != null
            // What is wrong with the application's logging keeps nobody from paying.
            val level = runCatching { own.level }.getOrNull()
            if (level != null && level != told) listen(own, level)
            return level != null
        }

    fun send(to: Logger, level: LogLevel): Unit = native {
        synchronized(this) {
            id.komopay.ffi.setLogger(this, level)
            logger = to
            told = level
        }
    }

    /** Sends it to this logger, if the application has not said where it goes. */
    @Synchronized
    fun sendByDefault(to: LeveledLogger) {
        if (logger == null) logger = to
        isHeard
    }

    /** If it is still this logger's. */
    @Synchronized
    private fun listen(own: LeveledLogger, level: LogLevel) {
        if (logger === own) send(own, level)
    }

    override fun log(record: LogRecord) {
        runCatching { logger?.log(record) }
    }

    override fun wake(call: Long) {
        runCatching { callers[call]?.wake() }
    }
}

/** Sends the log to SLF4J, if that is there and the application has not said where it goes. */
internal fun logByDefault() {
    if (hasSlf4j) runCatching { Ears.sendByDefault(slf4j) }
}

internal val slf4j: Slf4jLogger by lazy { Slf4jLogger() }

/** Whether anybody wants to know what the log says. */
internal val isHeard: Boolean get() = Ears.isHeard

/** Tells the logger, on this thread. */
internal fun tell(records: List<LogRecord>): Unit = records.forEach(Ears::log)

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
