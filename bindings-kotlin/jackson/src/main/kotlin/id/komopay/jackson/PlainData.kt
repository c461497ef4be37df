/*
 * Values as plain data: texts, numbers, truths, lists, and maps of them by the names that fields have in every
 * language. It is the form of Python's `to_dict`, so that one reads what the other wrote.
 */
package id.komopay.jackson

import java.math.BigDecimal
import java.math.RoundingMode
import java.time.DateTimeException
import java.time.Duration
import java.time.Instant
import java.time.OffsetDateTime

/** What cannot be written or read, and where. Not what stands there: it may be an account number. */
internal class Refused(path: String, problem: String) : Exception(if (path.isEmpty()) problem else "$path: $problem")

/** How a part of a value becomes plain data, and is read from it. */
internal abstract class Part<T> {
    abstract fun write(value: T, includePersonal: Boolean): Any?

    /** [path] is where it stands, for errors. */
    abstract fun read(given: Any?, path: String): T

    val optional: Part<T?> get() = Optional(this)

    val list: Part<List<T>> get() = Listed(this)
}

/** A value that stands alone. */
internal abstract class Form<T : Any>(val type: Class<T>) : Part<T>()

/** A value with fields. [isPersonal]: it holds an account or a person, and is a part of a request. */
internal abstract class Record<T : Any>(type: Class<T>, private val isPersonal: Boolean) : Form<T>(type) {
    abstract fun write(value: T, to: Writing)

    abstract fun read(from: Reading): T

    final override fun write(value: T, includePersonal: Boolean): Map<String, Any?> {
        if (isPersonal && !includePersonal) throw Refused("", wholeOrNot(type))
        return Writing(includePersonal).also { write(value, it) }.fields
    }

    final override fun read(given: Any?, path: String): T {
        val from = Reading(given, path)
        return read(from).also { if (isPersonal) from.finish() }
    }
}

private fun wholeOrNot(type: Class<*>) =
    "a ${type.simpleName} holds personal data, such as an account number, and is written whole or not at all: make " +
        "the KomopayModule with includePersonal = true, and keep what is written as safe as the payee's account"

/** Plain data that is written. */
internal class Writing(val includePersonal: Boolean) {
    val fields = LinkedHashMap<String, Any?>()

    fun <T> put(name: String, value: T, part: Part<T>) {
        fields[name] = part.write(value, includePersonal)
    }
}

/** Plain data that is read, until each field is taken. */
internal class Reading(given: Any?, private val path: String) {
    private val fields: Map<*, *> = given as? Map<*, *> ?: throw Refused(path, "must be an object with fields")
    private val taken = HashSet<String>()

    fun <T> take(name: String, part: Part<T>): T {
        taken += name
        return part.read(fields[name], within(name))
    }

    /** Refuses what is left in a request: it may be misspelt, and would be missing. */
    fun finish() {
        val left = fields.keys.firstOrNull { it !in taken } ?: return
        throw Refused(within(if (left.toString().matches(NAME)) left.toString() else "a field"), "is not known")
    }

    fun within(name: String) = if (path.isEmpty()) name else "$path.$name"

    private companion object {
        val NAME = Regex("[a-zA-Z_]{1,40}")
    }
}

private class Optional<T>(private val part: Part<T>) : Part<T?>() {
    override fun write(value: T?, includePersonal: Boolean) = value?.let { part.write(it, includePersonal) }

    override fun read(given: Any?, path: String): T? = given?.let { part.read(it, path) }
}

private class Listed<T>(private val part: Part<T>) : Part<List<T>>() {
    override fun write(value: List<T>, includePersonal: Boolean) = value.map { part.write(it, includePersonal) }

    override fun read(given: Any?, path: String): List<T> {
        val items = given as? List<*> ?: throw Refused(path, "must be a list")
        return items.mapIndexed { at, item -> part.read(item, "$path[$at]") }
    }
}

/** What is written as it is. */
internal abstract class Plain<T : Any>(private val what: String, private val known: (Any?) -> T?) : Part<T>() {
    override fun write(value: T, includePersonal: Boolean): Any = value

    override fun read(given: Any?, path: String): T =
        known(given) ?: throw Refused(path, if (given == null) "is missing" else "must be $what")
}

internal object Text : Plain<String>("a text", { it as? String })

internal object Truth : Plain<Boolean>("true or false", { it as? Boolean })

internal object LongWhole : Plain<Long>("a whole number", { whole(it) })

internal object Whole :
    Plain<Int>("a whole number", { given -> whole(given)?.let { it.toInt().takeIf { short -> short.toLong() == it } } })

private fun whole(given: Any?): Long? = try {
    (given as? BigDecimal)?.longValueExact()
} catch (_: ArithmeticException) {
    null
}

/** ISO 8601, in UTC. */
internal object Moment : Part<Instant>() {
    override fun write(value: Instant, includePersonal: Boolean): Any = value.toString()

    override fun read(given: Any?, path: String): Instant = try {
        OffsetDateTime.parse(Text.read(given, path)).toInstant()
    } catch (_: DateTimeException) {
        throw Refused(path, "must be a time in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z")
    }
}

/** Seconds, with the part behind the point down to nanoseconds. */
internal object Span : Part<Duration>() {
    override fun write(value: Duration, includePersonal: Boolean): Any {
        val seconds = BigDecimal(value.seconds).add(BigDecimal.valueOf(value.nano.toLong(), NANOS)).stripTrailingZeros()
        return if (seconds.scale() < 0) seconds.setScale(0) else seconds
    }

    override fun read(given: Any?, path: String): Duration = try {
        val seconds = (given as BigDecimal).takeIf { it.precision() - it.scale() < MOST_DIGITS } ?: throw wrong(path)
        val nanos = seconds.setScale(NANOS, RoundingMode.HALF_EVEN)
        val whole = nanos.setScale(0, RoundingMode.FLOOR)
        Duration.ofSeconds(whole.longValueExact(), nanos.subtract(whole).movePointRight(NANOS).longValueExact())
    } catch (_: ClassCastException) {
        throw wrong(path)
    } catch (_: NullPointerException) {
        throw wrong(path)
    } catch (_: ArithmeticException) {
        throw wrong(path)
    }

    private fun wrong(path: String) = Refused(path, "must be a number of seconds")

    private const val NANOS = 9
    private const val MOST_DIGITS = 19
}

/** Codes that the platform may extend: one that is not known comes back as it was. */
internal abstract class Codes<T : Any>(
    type: Class<T>,
    known: List<T>,
    private val code: (T) -> String,
    private val unknown: (String) -> T,
) : Form<T>(type) {
    private val known = known.associateBy(code)

    override fun write(value: T, includePersonal: Boolean): Any = code(value)

    override fun read(given: Any?, path: String): T = Text.read(given, path).let { known[it] ?: unknown(it) }
}
