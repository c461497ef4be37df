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
 * Amounts of one currency are added, subtracted and compared, as exactly: where a digit would be lost, or of another
 * currency, that is an [InvalidRequestException] (field `money.amount` or `money.currency`), also in the middle of a
 * `sorted()`. In Java: `a.plus(b)`, `a.compareTo(b)`, `stream.reduce(Money::plus)`.
 *
 * ```
 * Money("42.05", "USD") == Money(BigDecimal("42.050"), "USD") // true
 * Money(10_000, "IDR").toString()                             // 10000 IDR
 * Money("42.05", "USD") + Money(1, "USD") > Money(43, "USD")  // true
 * listOf(Money(1, "IDR"), Money(2, "IDR")).sum()              // 3 IDR
 * ```
 */
public class Money private constructor(parts: MoneyParts) : Comparable<Money>, Serializable {
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

    /** The exact sum, with the decimals of both. */
    @Throws(InvalidRequestException::class)
    public operator fun plus(other: Money): Money = Money(native { NativeOperations.addMoney(this, other) })

    /** The exact difference, with the decimals of both. */
    @Throws(InvalidRequestException::class)
    public operator fun minus(other: Money): Money = Money(native { NativeOperations.subtractMoney(this, other) })

    /** The same amount on the other side of zero. */
    public operator fun unaryMinus(): Money = Money(native { NativeOperations.negateMoney(this) })

    /** Below 0 if the other amount is larger, 0 if both are equal. Another currency is no smaller and no larger one. */
    @Throws(InvalidRequestException::class)
    override fun compareTo(other: Money): Int = native { NativeOperations.compareMoney(this, other) }

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

    public companion object {
        private const val serialVersionUID = 1L

        /**
         * Money that was money before, such as from a store: what the platform answered comes back as it was, whatever
         * it calls a currency, and `250.000` is 250.
         *
         * An amount that is no exact number, or a currency that is empty, is an [InvalidRequestException].
         */
        @JvmStatic
        @Throws(InvalidRequestException::class)
        public fun restore(amount: String, currency: String): Money =
            Money(native { NativeOperations.restoreMoney(amount, currency) })

        internal fun lift(parts: MoneyParts) = Money(parts)

        private fun exact(amount: String, currency: String) = native { NativeOperations.exactMoney(amount, currency) }
    }
}

/**
 * The exact sum. Of nothing there is none, since it would have no currency: that is a `NoSuchElementException`. Another
 * currency among them is an [InvalidRequestException].
 */
public fun Iterable<Money>.sum(): Money = reduceOrNull(Money::plus)
    ?: throw NoSuchElementException("a sum of no money has no currency: look first whether there is any")

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
