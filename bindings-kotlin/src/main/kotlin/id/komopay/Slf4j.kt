/* SLF4J, where the application has it: the log goes there by itself. Nothing here is loaded where it is not. */
package id.komopay

import org.slf4j.LoggerFactory
import org.slf4j.MDC

/** What the application calls the log of the SDK, by SLF4J and by `java.util.logging`. */
internal const val LOG_NAME = "id.komopay"

/** Whether SLF4J is on the class path. */
internal val hasSlf4j: Boolean by lazy {
    try {
        Class.forName("org.slf4j.LoggerFactory", false, Logger::class.java.classLoader)
        true
    } catch (_: ClassNotFoundException) {
        false
    }
}

/** The SLF4J logger [LOG_NAME]: it is told what it is enabled for, with the facts of each record in the MDC. */
internal class Slf4jLogger : LeveledLogger {
    private val log = LoggerFactory.getLogger(LOG_NAME)

    override val level: LogLevel?
        get() = when {
            log.isTraceEnabled -> LogLevel.TRACE
            log.isDebugEnabled -> LogLevel.DEBUG
            log.isInfoEnabled -> LogLevel.INFO
            log.isWarnEnabled -> LogLevel.WARN
            log.isErrorEnabled -> LogLevel.ERROR
            else -> null
        }

    override fun log(record: LogRecord) {
        if (level.let { it == null || it < record.level }) return
        val facts = listOf(
            "payout_id" to record.payoutId,
            "kind" to record.kind,
            "http_status" to record.httpStatus,
            "attempt" to record.attempt,
            "duration_ms" to record.durationMs,
            "request_id" to record.requestId,
        ).filter { it.second != null }
        // The application may use such a name itself.
        val before = facts.map { (name, _) -> name to MDC.get(name) }
        try {
            for ((name, value) in facts) MDC.put(name, value.toString())
            when (record.level) {
                LogLevel.ERROR -> log.error(record.text)
                LogLevel.WARN -> log.warn(record.text)
                LogLevel.INFO -> log.info(record.text)
                LogLevel.DEBUG -> log.debug(record.text)
                LogLevel.TRACE -> log.trace(record.text)
            }
        } finally {
            for ((name, value) in before) if (value == null) MDC.remove(name) else MDC.put(name, value)
        }
    }

    fun warn(text: String, thrown: Throwable): Unit = log.warn(text, thrown)
}
