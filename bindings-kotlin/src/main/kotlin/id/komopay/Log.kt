@file:JvmName("Log")

package id.komopay

import id.komopay.ffi.NativeLogger

/** How much an event of the log matters. */
public typealias LogLevel = id.komopay.ffi.LogLevel

/** Takes the events of the log, on a thread of the SDK. What it throws is dropped. */
public fun interface Logger {
    /** One event. It holds no secret, no token and no account number. */
    public fun log(level: LogLevel, text: String)
}

/**
 * Sends the log of the SDK to [logger], up to [level]; without one it goes nowhere. What becomes of a create that nobody
 * waits for any more is told there, with its id.
 *
 * ```
 * val log = java.util.logging.Logger.getLogger("komopay")
 * setLogger { level, text -> if (level <= LogLevel.WARN) log.warning(text) else log.info(text) }
 * ```
 */
@JvmOverloads
public fun setLogger(level: LogLevel = id.komopay.ffi.LogLevel.INFO, logger: Logger) {
    val native = object : NativeLogger {
        override fun log(level: LogLevel, text: String) {
            runCatching { logger.log(level, text) }
        }
    }
    native { id.komopay.ffi.setLogger(native, level) }
}
