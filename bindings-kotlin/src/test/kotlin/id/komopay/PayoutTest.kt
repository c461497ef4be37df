package id.komopay

import java.time.Duration
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class PayoutTest {
    private val sandbox = Sandbox()
    private val client = Client(sandbox.config())

    @AfterEach
    fun stop() {
        runBlocking { client.close() }
        sandbox.close()
    }

    @Test
    fun `a payout is made once and followed to its end`() = runBlocking {
        val accepted = client.createPayout("A-1", Sandbox.request())
        assertEquals("A-1", accepted.payoutId)
        assertEquals(Money(10_000, "IDR"), accepted.money)
        assertEquals(MethodCode.BankTransfer, accepted.methodCode)
        assertFalse(accepted.recovered)

        val payout = client.waitForPayout("A-1", Duration.ofSeconds(60))
        assertEquals(PayoutStatus.Success, payout.status)
        assertTrue(payout.status.isFinal())
        assertEquals(Money("100", "IDR"), payout.fee)
        val again = client.getPayout("A-1")
        assertEquals(payout, again)
        assertEquals(listOf("GET /payouts/A-1" to 200), again.attempts.map { it.operation to it.httpStatus })
        assertEquals(listOf("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger())
    }

    @Test
    fun `a lost answer is settled by reading, and pays once`() = runBlocking {
        sandbox.breakNext("create_payout", """{"type": "execute_then_close"}""")
        val accepted = client.createPayout("A-1", Sandbox.request())
        assertTrue(accepted.recovered)
        assertEquals("A-1", accepted.payout?.payoutId)
        val operations = listOf("POST /auth-tokens", "POST /payouts/A-1", "GET /payouts/A-1")
        assertEquals(operations, accepted.attempts.map { it.operation })
        assertEquals(listOf(200, null, 200), accepted.attempts.map { it.httpStatus })
        assertEquals(listOf("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger())
    }

    @Test
    fun `an error carries what the core knows`() = runBlocking {
        client.createPayout("A-1", Sandbox.request())
        val duplicate = assertThrows<DuplicatePayoutException> { create("A-1", "500") }
        assertEquals(409, duplicate.httpStatus)
        assertEquals("A-1", duplicate.payoutId)
        assertEquals(Money(10_000, "IDR"), duplicate.payout?.money)
        assertEquals(listOf("POST /auth-tokens", "POST /payouts/A-1"), duplicate.attempts.take(2).map { it.operation })
        assertEquals(Concern.PAYOUT, duplicate.concerns)
        assertTrue(duplicate.moneyMayHaveMoved)
        assertEquals("the platform answered 409: idPayout already used", duplicate.cause?.message)

        sandbox.breakNext("create_payout", """{"type": "rejected", "code": "IP_DENIED", "uses_id_up": false}""")
        val rejected = assertThrows<RejectedException> { create("A-2") }
        assertEquals("IP_DENIED", rejected.reasons.single().code)
        assertFalse(rejected.retryable)
        assertEquals(Concern.PAYOUT, rejected.concerns)
    }

    @Test
    fun `a refused merchant is told apart from a refused row, and its token call is an attempt`() = runBlocking {
        sandbox.breakNext("issue_token", """{"type": "rejected", "code": "MERCHANT_INACTIVE", "uses_id_up": false}""")
        val rejected = assertThrows<RejectedException> { create("A-1") }
        assertEquals(Concern.MERCHANT, rejected.concerns)
        assertEquals(listOf("POST /auth-tokens" to 406), rejected.attempts.map { it.operation to it.httpStatus })
    }

    @Test
    fun `a text that is no text is refused, and nothing is sent`() = runBlocking {
        assertThrows<InvalidRequestException> { create("A-\uD800") }
        assertEquals(0, sandbox.calls("create_payout"))
    }

    @Test
    fun `the catalogue is read`() = runBlocking {
        assertEquals(listOf("IDR"), client.balances("IDR").map { it.available.currency })
        assertEquals(client.balances().size, client.balances(emptyList()).size)
        assertTrue("IDR" in client.currencies())
        assertTrue("VIP" in client.segments())
        assertTrue("BNK_000" in client.paymentOperators().map { it.code })
        assertTrue("BANK_TRANSFER" in client.paymentMethods())
        val options = client.paymentOptions(PaymentOptionFilter(currencies = listOf("JPY")))
        assertEquals(setOf("JPY"), options.map { it.currency }.toSet())
        assertTrue(options.size < client.paymentOptions().size)
        assertTrue(client.payoutOptions(Money(10_000, "IDR")).any { it.methodCode == MethodCode.BankTransfer })
        assertEquals(client.merchantInfo(), client.checkCredentials())
    }

    @Test
    fun `a request says before it is sent what could not be`() {
        Sandbox.request().validate()
        val refused = assertThrows<InvalidRequestException> { Sandbox.request(amount = "0").validate() }
        assertEquals("money.amount", refused.field)
    }

    @Test
    fun `a fingerprint depends on key and payee`() {
        val key = "a key that is long enough".toByteArray()
        val request = Sandbox.request()
        val other = request.copy(method = BankTransfer("BNK_000", BankAccount("Test account", "11223344")))
        assertEquals(request.fingerprint(key), Sandbox.request().fingerprint(key))
        assertNotEquals(request.fingerprint(key), other.fingerprint(key))
        assertNotEquals(request.fingerprint(key), request.fingerprint("another key that is long".toByteArray()))
        assertThrows<ConfigurationException> { request.fingerprint("short".toByteArray()) }
    }

    private fun create(payoutId: String, amount: String = "10000") =
        runBlocking { client.createPayout(payoutId, Sandbox.request(amount)) }
}
