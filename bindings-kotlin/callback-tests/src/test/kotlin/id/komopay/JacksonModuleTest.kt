package id.komopay

import com.fasterxml.jackson.annotation.JsonInclude
import com.fasterxml.jackson.databind.JsonMappingException
import com.fasterxml.jackson.databind.PropertyNamingStrategies
import com.fasterxml.jackson.databind.json.JsonMapper
import id.komopay.jackson.KomopayModule
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import id.komopay.jackson3.KomopayModule as KomopayModule3
import tools.jackson.databind.json.JsonMapper as JsonMapper3

/** The modules for Jackson 2 and 3: what is written is read again as it was, and what must not be is not written. */
class JacksonModuleTest {
    private class Mapper(val write: (Any) -> String, private val readAs: (String, Class<*>) -> Any?) {
        fun <T> read(json: String, type: Class<T>): T = type.cast(readAs(json, type))
    }

    private fun two(mapper: com.fasterxml.jackson.databind.ObjectMapper) =
        Mapper(mapper::writeValueAsString) { json, type -> mapper.readValue(json, type) }

    private fun three(mapper: tools.jackson.databind.ObjectMapper) =
        Mapper(mapper::writeValueAsString) { json, type -> mapper.readValue(json, type) }

    private val public = listOf(
        two(JsonMapper.builder().addModule(KomopayModule()).build()),
        // Whatever the mapper does to others.
        two(
            JsonMapper.builder().addModule(KomopayModule())
                .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
                .serializationInclusion(JsonInclude.Include.NON_EMPTY).build(),
        ),
        two(JsonMapper.builder().findAndAddModules().build()),
        three(JsonMapper3.builder().addModule(KomopayModule3()).build()),
        three(JsonMapper3.builder().findAndAddModules().build()),
    )

    private val whole = listOf(
        two(JsonMapper.builder().findAndAddModules().addModule(KomopayModule(includePersonal = true)).build()),
        three(JsonMapper3.builder().findAndAddModules().addModule(KomopayModule3(includePersonal = true)).build()),
    )

    private val payout = Payout(
        payoutId = "A-1", money = Money.restore("250.000", "idr"), methodCode = MethodCode.BankTransfer,
        status = PayoutStatus.Unknown("IN_REVIEW"), createdAt = Instant.parse("2030-01-31T12:00:00.123456Z"),
        failureReason = FailureReason(FailureCode.BalanceInsufficient, Instant.EPOCH, "no money"), isTest = true,
        fee = Money("0.1234567890123456789012345678", "XTS"), raw = "",
    )
    private val error = KomopayExceptionBuilder(ErrorKind.OUTCOME_UNKNOWN)
        .message("no answer").httpStatus(502).field("money.amount").payoutId("A-1").retryAfter(Duration.ofMillis(1500))
        .reasons(Reason("BALANCE_INSUFFICIENT", "amount", null)).payout(payout).concerns(Concern.MERCHANT)
        .attempts(Attempt("POST /payouts/A-1", Instant.EPOCH, Duration.ofNanos(1), null, "R-1"))
        .cause(KomopayExceptionBuilder(ErrorKind.TIMED_OUT).build())
        .build()
    private val values = listOf(
        payout, payout.money, PayoutChange("A-1", 1L shl 40, PayoutStatus.Processing, payout, false),
        PayoutAccepted(payoutId = "A-1", money = Money(1, "IDR"), methodCode = MethodCode.Unknown("CARD"),
            recovered = true, payout = payout, raw = ""),
        Balance(Money(1, "IDR"), Money(2, "IDR"), Money(3, "IDR"), Money(4, "IDR"), Instant.EPOCH, "{}"),
        PayoutOption(MethodCode.WalletTransfer, listOf(PayoutOperator("O", null, CustomerFee(null, Money(1, "IDR")))),
            raw = "{}"),
        PaymentOption(PaymentTypeCode.Payout, MethodCode.CryptoTransfer, "IDR", null, AmountLimit(Money(1, "IDR")),
            true, listOf(PaymentOptionOperator("O", "Bank", false, AmountLimit())), "{}"),
        PaymentOptionFilter(PaymentTypeCode.Payin, currencies = listOf("IDR")), PaymentOperator("O", null, "{}"),
        MerchantInfo("Shop", "{}"), Callback("A-1", true), AccessScope.Payout("A-1", Money(1, "IDR")),
        AccessScope.Read("A-1"), AccessScope.Operations(listOf("GET /balances"), null), FailureCode.Unknown("NEW"),
    )
    private val bank = BankTransfer("BNK_000", BankAccount("Rahmawati", Sandbox.ACCOUNT, bankCity = "Kudus"))
    private val request = PayoutRequest(Money("42.00", "IDR"), bank, callbackUrl = "https://shop.example/hook")
    private val personal = listOf(
        request, request.copy(method = CryptoTransfer("C", CryptoAccount(Sandbox.ACCOUNT), "remark")),
        request.copy(method = WalletTransfer(WalletAccount("Rahmawati", Sandbox.ACCOUNT), phoneNumber = "+6281")),
        bank, bank.account,
    )

    /** The class by which a program would read it. */
    private fun declared(value: Any): Class<*> = when (value) {
        is PayoutStatus -> PayoutStatus::class.java
        is FailureCode -> FailureCode::class.java
        is AccessScope -> AccessScope::class.java
        else -> value.javaClass
    }

    @Test
    fun `what is written is read as it was, with every mapper and by every other`() {
        for (value in values) for (writer in public + whole) {
            val json = writer.write(value)
            for (reader in public + whole) assertEquals(value, reader.read(json, declared(value)), json)
        }
        val texts = public.map { it.write(payout) }
        assertEquals(1, texts.toSet().size, "one form: $texts")
        assertTrue(""""money":{"amount":"250.000","currency":"idr"}""" in texts.first(), texts.first())
        assertSame(PayoutStatus.Success, public.first().read("\"SUCCESS\"", PayoutStatus::class.java))
    }

    @Test
    fun `what the platform told is read as it was, and its own text only by who asks for it`() = runBlocking {
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                client.createPayout("A-1", Sandbox.request())
                val payout = client.getPayout("A-1")
                assertTrue(payout.attempts.isNotEmpty())
                val catalogue = client.balances() + client.payoutOptions(Money("10000", "IDR")) +
                    client.paymentOperators() + client.paymentOptions() + client.merchantInfo()
                for (mapper in whole) for (value in catalogue + payout) {
                    assertEquals(value, mapper.read(mapper.write(value), value.javaClass))
                }
                for (mapper in public) {
                    val read = mapper.read(mapper.write(payout), Payout::class.java)
                    assertEquals(payout.copy(raw = ""), read)
                    // They are no part of what is equal.
                    assertEquals(payout.attempts, read.attempts)
                }
            }
        }
    }

    @Test
    fun `an error is read with all that it knows`() {
        for (mapper in public) {
            val read = mapper.read(mapper.write(error), KomopayException::class.java)
            assertEquals(error.javaClass, read.javaClass)
            fun KomopayException.known() = listOf(
                kind, message, httpStatus, field, reasons, payoutId, attempts, concerns, retryAfter, this.payout,
                cause?.kind, cause?.message, retryable, moneyMayHaveMoved, callbackStatus)
            assertEquals(error.known(), read.known())
            assertTrue("\"money_may_have_moved\":true" in mapper.write(error))
        }
    }

    @Test
    fun `what is personal is written by who asks for it, whole, and by nobody else`() {
        for (value in personal) {
            for (mapper in public) for (shown in listOf(value, listOf(value), mapOf("it" to value))) {
                val refused = assertThrows<Exception> { mapper.write(shown) }
                assertTrue("includePersonal = true" in refused.message.orEmpty(), refused.message)
                assertFalse(Sandbox.ACCOUNT in refused.stackTraceToString())
            }
            for (mapper in whole) {
                val json = mapper.write(value)
                assertEquals(value, (whole + public).map { it.read(json, value.javaClass) }.toSet().single())
                if (value is PayoutMethod) assertEquals(value, mapper.read(json, PayoutMethod::class.java))
            }
        }
        val another = whole.first().write(bank)
        assertThrows<JsonMappingException> { public.first().read(another, PayoutMethod.WalletTransfer::class.java) }
    }

    @Test
    fun `what holds a secret is never written`() = Sandbox().use { sandbox ->
        BlockingClient(sandbox.config()).use { client ->
            val token = AccessToken(Sandbox.SECRET)
            for (mapper in public + whole) {
                for (value in listOf(sandbox.config(), sandbox.credentials, Credentials.token("t"), token, client)) {
                    val refused = assertThrows<Exception>("$mapper $value") { mapper.write(listOf(value)) }
                    assertTrue("holds a secret" in refused.message.orEmpty(), refused.message)
                }
            }
        }
    }

    @Test
    fun `what cannot be read is told by its name, and never with what stands there`() {
        val json = whole.first().write(request)
        val wrong = mapOf(
            "method.account.number: is missing" to json.replace("\"number\"", "\"numbr\""),
            "method.account.numbr: is not known" to json.replace("\"number\"", "\"numbr\":\"1\",\"number\""),
            "money.amount: must be a text" to json.replace("\"42.00\"", "42.00"),
            "money.amount: is not a decimal" to json.replace("42.00", "ten"),
            "money.currency: is empty" to json.replace("\"IDR\"", "\"\""),
            "method.method_code: must be" to json.replace("BANK_TRANSFER", Sandbox.ACCOUNT),
            "method: must be an object" to json.replace("\"method\":", "\"method\":\"x\",\"m\":"),
        )
        for ((says, text) in wrong) for (mapper in public) {
            val refused = assertThrows<Exception>(says) { mapper.read(text, PayoutRequest::class.java) }
            assertTrue(says in refused.message.orEmpty(), "$says: ${refused.message}")
            assertFalse(Sandbox.ACCOUNT in refused.stackTraceToString(), refused.message)
        }
        val attempt = """{"operation":"GET","started_at":"yesterday","duration":1}"""
        for ((says, text) in mapOf(
            "started_at: must be a time" to attempt,
            "duration: must be a number of seconds" to attempt.replace("yesterday", "2030-01-31T12:00:00+07:00")
                .replace(":1}", ":1E+1000000000}"),
        )) {
            val refused = assertThrows<JsonMappingException> { public.first().read(text, Attempt::class.java) }
            assertTrue(says in refused.message.orEmpty(), refused.message)
        }
        val newer = """{"name":"Shop","of_a_newer_version":1}"""
        assertEquals(MerchantInfo("Shop", ""), public.first().read(newer, MerchantInfo::class.java))
    }
}
