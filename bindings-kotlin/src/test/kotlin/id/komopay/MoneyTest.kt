package id.komopay

import java.math.BigDecimal
import java.time.Duration
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class MoneyTest {
    @Test
    fun `money is equal and hashed by value`() {
        val same = listOf(
            Money("42", "IDR"), Money("42.00", "IDR"), Money(42, "IDR"), Money(42L, "IDR"),
            Money(BigDecimal("42.0"), "IDR"), Money(BigDecimal("4.2E1"), "IDR"),
        )
        assertEquals(setOf(same.first()), same.toSet())
        assertNotEquals(Money("42", "IDR"), Money("42", "USD"))
        assertNotEquals(Money("42", "IDR"), Money("42.01", "IDR"))
    }

    @Test
    fun `an amount stays exact`() {
        val money = Money("9007199254740993.01", "USD")
        assertEquals(BigDecimal("9007199254740993.01"), money.amount)
        assertEquals("9007199254740993.01 USD", money.toString())
        assertEquals("42.05 USD", Money("42.05", "USD").toString())
    }

    @Test
    fun `a bad amount is refused by name`() {
        for (amount in listOf("", "ten", "NaN", "1,000", "0x10", "１")) {
            val error = assertThrows<InvalidRequestException>(amount) { Money(amount, "IDR") }
            assertTrue("amount" in error.field.orEmpty(), "$amount: ${error.field}")
        }
    }

    @Test
    fun `a text that can be read in two ways is refused, and the error says what to write`() {
        for ((amount, write) in mapOf("250.000" to "write 250000, or 250 ", "1.000" to "write 1000, or 1 ")) {
            val error = assertThrows<InvalidRequestException>(amount) { Money(amount, "IDR") }
            assertEquals("money.amount", error.field)
            assertTrue(write in error.message, error.message)
            // A decimal says what it is, and crosses the border as it is.
            val exact = Money(BigDecimal(amount), "IDR")
            assertEquals(amount, exact.amount.toPlainString())
            BlockingClient(Config("http://127.0.0.1:1", Credentials.token("t"), maxAmount = listOf(exact))).close()
        }
        val fitting = listOf("1.234" to "KWD", "1.000" to "USDT", "0.500" to "IDR", "1.00" to "IDR")
        for ((amount, currency) in fitting) Money(amount, currency)
    }

    @Test
    fun `a currency is a code in capital letters`() {
        for (currency in listOf("idr", " IDR", "IDR\n", "", "360")) {
            val ways = listOf({ Money("1", currency) }, { Money(1, currency) }, { Money(BigDecimal.ONE, currency) })
            for (make in ways) {
                assertEquals("money.currency", assertThrows<InvalidRequestException>(currency) { make() }.field)
            }
        }
    }

    @Test
    fun `money of one currency is added, subtracted and compared, exactly`() {
        val cents = Money("0.10", "USD")
        assertEquals("0.30", (cents + Money("0.2", "USD")).amount.toPlainString())
        assertEquals(Money("-0.05", "USD"), Money("0.05", "USD") - cents)
        assertEquals(Money("-0.1", "USD"), -cents)
        assertEquals(Money("1.00", "USD"), List(10) { cents }.sum())
        assertTrue(cents < Money("0.11", "USD") && cents >= Money("0.1", "USD"))
        val sorted = listOf(Money(10, "IDR"), Money("9.50", "IDR"), Money(-1, "IDR")).sorted()
        assertEquals(listOf("-1", "9.50", "10"), sorted.map { it.amount.toPlainString() })
        assertEquals(0, Money("42", "IDR").compareTo(Money("42.00", "IDR")))
    }

    @Test
    fun `another currency, a lost digit and a sum of nothing are errors`() {
        val (rupiah, dollar) = listOf(Money(1, "IDR"), Money(1, "USD"))
        val both = listOf(rupiah, dollar)
        val ways =
            listOf({ rupiah + dollar }, { rupiah - dollar }, { rupiah < dollar }, { both.sum() }, { both.sorted() })
        for (way in ways) {
            val error = assertThrows<InvalidRequestException> { way() }
            assertEquals("money.currency", error.field)
            // Sorting asks the other way round.
            assertTrue("1 IDR and 1 USD" in error.message || "1 USD and 1 IDR" in error.message, error.message)
        }
        val most = Money("79228162514264337593543950335", "XTS")
        assertEquals("money.amount", assertThrows<InvalidRequestException> { most + Money("0.5", "XTS") }.field)
        assertThrows<NoSuchElementException> { emptyList<Money>().sum() }
    }

    @Test
    fun `what was money is restored as it was`() {
        val ofThePlatform = Money.restore("250.000", "idr")
        assertEquals(listOf("250.000", "idr"), ofThePlatform.run { listOf(amount.toPlainString(), currency) })
        assertEquals("money.amount", assertThrows<InvalidRequestException> { Money.restore("ten", "IDR") }.field)
        assertEquals("money.currency", assertThrows<InvalidRequestException> { Money.restore("1", "") }.field)
    }

    @Test
    fun `an exponent is no way to fill the memory`() {
        assertEquals(Money(4_000, "IDR"), Money(BigDecimal("4E+3"), "IDR"))
        for (amount in listOf("1E+1000000000", "1E-1000000000")) {
            assertThrows<InvalidRequestException>(amount) { Money(BigDecimal(amount), "IDR") }
        }
    }

    @Test
    fun `a Double or Float has no way in`() {
        val ways = Money::class.java.constructors.filterNot { it.isSynthetic }.map { it.parameterTypes.first() }
        assertEquals(setOf(String::class.java, Long::class.java, Int::class.java, BigDecimal::class.java), ways.toSet())
    }

    @Test
    fun `a span crosses in microseconds, and one that is too long as long as they go`() {
        assertEquals(1_500_000, micros(Duration.ofMillis(1500)))
        assertEquals(-1, micros(Duration.ofNanos(-1000)))
        assertEquals(Long.MAX_VALUE, micros(Duration.ofSeconds(Long.MAX_VALUE)))
        assertEquals(Long.MIN_VALUE, micros(Duration.ofSeconds(Long.MIN_VALUE)))
    }
}
