package id.komopay

import id.komopay.ffi.Failure
import id.komopay.ffi.errorKinds
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.NotSerializableException
import java.io.ObjectInputStream
import java.io.ObjectOutputStream
import java.time.Duration
import java.time.Instant
import kotlin.reflect.KClass
import kotlin.reflect.full.memberProperties
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** What a value is made of stays as it is, and an exception crosses to other processes whole. */
class ValuesTest {
    private val money = Money("42.05", "USD")
    private val limit = AmountLimit(money, null)
    private val payout = Payout(
        "A-1", "P-1", "R-1", money, MethodCode.BankTransfer, null, null, PayoutStatus.Failed,
        FailureReason(FailureCode.System, Instant.EPOCH, "text"), Instant.EPOCH, null, true, null, money, "{}")

    /** Of each kind of value that holds lists, one made with this list, and another way to make it. */
    private fun holders(codes: MutableList<String>): List<Pair<Any, () -> Any>> {
        val config = Config("http://127.0.0.1:1", Credentials.token("t"))
        val operators = mutableListOf(PayoutOperator("BNK_000", null, null))
        val optionOperators = mutableListOf(PaymentOptionOperator("BNK_000", null, true, limit))
        val moneys = mutableListOf(money)
        val option = PayoutOption(MethodCode.BankTransfer, operators, null, "{}")
        val bank = MethodCode.BankTransfer
        val paymentOption = PaymentOption(PaymentTypeCode.Payout, bank, "IDR", null, limit, true, optionOperators, "{}")
        val a = listOf("a")
        return listOf(
            config.copy(callbackKeys = codes, maxAmount = moneys) to
                { config.copy(callbackKeys = a, maxAmount = listOf(money)) },
            PaymentOptionFilter(null, codes, codes, codes, codes) to { PaymentOptionFilter(null, a, a, a, a) },
            AccessScope.operations(codes, money) to { AccessScope.operations(a, money) },
            option to { option.copy(operators = listOf(PayoutOperator("BNK_000", null, null))) },
            paymentOption to { paymentOption.copy(operators = optionOperators.take(1)) },
        ).also {
            // Whoever handed them in goes on with them.
            codes += "b"
            operators.clear()
            optionOperators += optionOperators
            moneys.clear()
        }
    }

    @Test
    fun `a list inside a value cannot be changed, by who made it nor by who has it`() {
        for ((value, expected) in holders(mutableListOf("a"))) {
            assertEquals(lists(expected()), lists(value), value.javaClass.name)
            for (list in lists(value)) {
                @Suppress("UNCHECKED_CAST")
                assertThrows<UnsupportedOperationException> { (list as MutableList<Any?>).add(null) }
            }
        }
        val error = runCatching { Money("1,5", "IDR") }.exceptionOrNull() as InvalidRequestException
        assertThrows<UnsupportedOperationException> { (error.attempts as MutableList<*>).clear() }
        assertThrows<UnsupportedOperationException> { (error.reasons as MutableList<*>).clear() }
    }

    @Test
    fun `a value that holds lists is equal by value, and copied and taken apart as others are`() {
        val filter = PaymentOptionFilter(currencies = listOf("IDR"))
        val same = PaymentOptionFilter(currencies = mutableListOf("IDR"))
        assertEquals(filter, same)
        assertEquals(filter.hashCode(), same.hashCode())
        assertNotEquals(filter, filter.copy(segmentCodes = listOf("VIP")))
        val (type, methods, currencies) = filter.copy(methodCodes = listOf("BANK_TRANSFER"))
        assertEquals(listOf(null, listOf("BANK_TRANSFER"), listOf("IDR")), listOf(type, methods, currencies))
    }

    @Test
    fun `an exception of each kind is serialized with all that it knows`() {
        for (kind in errorKinds()) {
            val cause = failure(ErrorKind.UNAVAILABLE).copy(causes = listOf())
            val error = failure(kind).copy(causes = listOf(cause, failure(ErrorKind.TIMED_OUT))).exception()
            error.addSuppressed(failure(ErrorKind.CLOSED).exception())
            // It may not be serializable, and cannot be known here.
            error.addSuppressed(object : RuntimeException("of the application") { val thread = Thread.currentThread() })

            val read = written(error)
            assertSame(error.javaClass, read.javaClass)
            val properties = KomopayException::class.memberProperties
            for (property in properties.filter { it.name !in setOf("cause", "failure") }) {
                assertEquals(property.get(error), property.get(read), "${property.name} of ${kind.code()}")
            }
            assertEquals(error.stackTrace.toList(), read.stackTrace.toList())
            assertEquals(ErrorKind.UNAVAILABLE, read.cause?.kind)
            assertEquals(ErrorKind.TIMED_OUT, read.cause?.cause?.kind)
            assertEquals(listOf("ClosedException"), read.suppressed.map { it.javaClass.simpleName })
            // A cause of it may go alone, with those behind it.
            assertEquals(ErrorKind.TIMED_OUT, written(error.cause!!).cause?.kind)
            assertNull(written(error.cause!!.cause!!).cause)
            // Codes are compared by what they are.
            assertSame(PayoutStatus.Failed, read.payout!!.status)
            assertSame(FailureCode.System, read.payout!!.failureReason!!.code)
            assertThrows<UnsupportedOperationException> { (read.reasons as MutableList<*>).clear() }
        }
    }

    @Test
    fun `what holds a secret or an account is not serialized`() {
        val request = Sandbox.request()
        val config = Config("u", Credentials.merchant("M", Sandbox.SECRET))
        val account = (request.method as BankTransfer).account
        for (value in listOf(request, request.method, account, config, config.credentials)) {
            assertThrows<NotSerializableException> { bytes(value) }
        }
    }

    @Test
    fun `what the platform calls a currency or a name is shown without control characters, and its JSON is not`() {
        val (name, code) = "two\nlines" to "I\nD\u202ER"
        val odd = Money.lift(id.komopay.ffi.MoneyParts("1.50", code))
        val limit = AmountLimit(odd, null)
        val unknown = MethodCode.Unknown(code)
        val values = listOf(
            odd, limit, CustomerFee(odd, null), MerchantInfo(name, RAW), Balance(odd, odd, odd, odd, null, RAW),
            PayoutOption(unknown, listOf(PayoutOperator(code, name, null)), code, RAW),
            PaymentOperator(code, name, RAW),
            PaymentOption(
                PaymentTypeCode.Unknown(code), unknown, code, null, limit, true,
                listOf(PaymentOptionOperator(code, name, true, limit)), RAW),
        )
        for (shown in values.map { it.toString() }) {
            assertEquals(listOf<Char>(), shown.filter { it.isISOControl() || it == '\u202E' }.toList(), shown)
            assertTrue("1.50" in shown || "two" in shown, shown)
            assertTrue(RAW !in shown, shown)
        }
        assertTrue(odd.toString().startsWith("1.50 I"), odd.toString())
    }

    private fun failure(kind: ErrorKind) = Failure(
        kind, "text of ${kind.code()}", 406, "money.amount",
        mutableListOf(Reason("LIMIT", "amount", "too much")), "A-1",
        listOf(Attempt("POST /payouts/A-1", Instant.EPOCH, Duration.ofMillis(3), 406, "r-1")), Duration.ofSeconds(1),
        payout, emptyList(), Concern.PAYOUT)

    private fun lists(value: Any): List<List<*>> {
        @Suppress("UNCHECKED_CAST")
        val properties = (value::class as KClass<Any>).memberProperties
        return properties.filter { it.returnType.classifier == List::class }.map { it.get(value) as List<*> }
    }

    private fun bytes(value: Any): ByteArray =
        ByteArrayOutputStream().also { ObjectOutputStream(it).writeObject(value) }.toByteArray()

    private fun written(error: KomopayException): KomopayException =
        ObjectInputStream(ByteArrayInputStream(bytes(error))).readObject() as KomopayException

    private companion object {
        const val RAW = "{\"raw\": 1}"
    }
}
