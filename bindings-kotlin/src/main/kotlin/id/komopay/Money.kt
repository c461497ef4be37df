package id.komopay

import id.komopay.ffi.MoneyParts
import id.komopay.ffi.NativeOperations
import java.io.Serializable
import java.math.BigDecimal
import java.time.Duration
import java.time.Instant
import java.util.Collections

/**
 * An exact amount of money, in major units: `42.05` USD is forty-two dollars and five cents.
 *
 * A text, a whole number or a `BigDecimal` goes in, a `BigDecimal` comes out. There is no way in for a `Double` or a
 * `Float`, which cannot hold most amounts. Equal and hashed by value: 42 IDR is 42.00 IDR.
 *
 * A bad amount or currency is an [InvalidRequestException] that names the field. So is a text that can be read in two
 * ways: `250.000` of a currency of at most two decimals; write `250000`, or `250`. A currency is a code in capital
 * letters.
 *
 * ```
 * Money("42.05", "USD") == Money(BigDecimal("42.050"), "USD") // true
 * Money(10_000, "IDR").toString()                             // 10000 IDR
 * ```
 */
public class Money private constructor(parts: MoneyParts) : Serializable {
    /** The amount in major units. */
    public val amount: BigDecimal = BigDecimal(parts.amount)

    /** The currency's code. */
    public val currency: String = parts.currency

    /** Money of an amount in digits, such as `42.05`. */
    @Throws(InvalidRequestException::class)
    public constructor(amount: String, currency: String) :
        this(native { NativeOperations.parseMoney(amount, currency) })

    /** Money of a whole amount. */
    @Throws(InvalidRequestException::class)
    public constructor(amount: Long, currency: String) : this(exact(amount.toString(), currency))

    /** Money of a whole amount. */
    @Throws(InvalidRequestException::class)
    public constructor(amount: Int, currency: String) : this(exact(amount.toString(), currency))

    /** Money of an exact amount. */
    @Throws(InvalidRequestException::class)
    public constructor(amount: BigDecimal, currency: String) :
        // With its exponent, which the core reads: the zeros of 1E+1000000000 would fill the memory.
        this(exact(amount.toString(), currency))

    override fun equals(other: Any?): Boolean =
        other is Money && amount.compareTo(other.amount) == 0 && currency == other.currency

    override fun hashCode(): Int = 31 * amount.stripTrailingZeros().hashCode() + currency.hashCode()

    /** Such as `42.05 USD`. */
    override fun toString(): String = when {
        // What the core calls a currency is shown as it is.
        currency.all { it in 'A'..'Z' } -> "${amount.toPlainString()} $currency"
        else -> native { NativeOperations.showMoney(this) }
    }

    internal fun lower() = MoneyParts(amount.toPlainString(), currency)

    internal companion object {
        private const val serialVersionUID = 1L

        fun lift(parts: MoneyParts) = Money(parts)

        private fun exact(amount: String, currency: String) = native { NativeOperations.exactMoney(amount, currency) }
    }
}

/** A list that nobody changes, for the generated code. */
internal fun <T> frozen(list: List<T>): List<T> = Collections.unmodifiableList(ArrayList(list))

/** Whole microseconds, for the generated code. One that is too long for them is as long as they go. */
internal fun micros(span: Duration): Long = try {
    Math.addExact(Math.multiplyExact(span.seconds, 1_000_000), (span.nano / 1_000).toLong())
} catch (_: ArithmeticException) {
    if (span.isNegative) Long.MIN_VALUE else Long.MAX_VALUE
}

/** The same since 1970. */
internal fun micros(moment: Instant): Long = micros(Duration.between(Instant.EPOCH, moment))
