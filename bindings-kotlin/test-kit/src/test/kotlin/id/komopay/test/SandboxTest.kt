package id.komopay.test

import com.sun.net.httpserver.HttpServer
import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.BlockingClient
import id.komopay.Money
import id.komopay.OutcomeUnknownException
import id.komopay.PayoutRequest
import id.komopay.RateLimitedException
import id.komopay.RejectedException
import id.komopay.UnavailableException
import java.math.BigDecimal
import java.net.InetSocketAddress
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SandboxTest {
    private val sandbox = Sandbox(balances = mapOf("IDR" to BigDecimal("50000"), "XYZ" to BigDecimal("0.5")))
    private val client = sandbox.blockingClient()

    @AfterEach
    fun stop() {
        sandbox.clearFaults()
        client.close()
        sandbox.close()
    }

    private fun pay(
        id: String,
        client: BlockingClient = this.client,
        number: String = "11223344",
        url: String? = null,
        resume: Boolean = false,
    ) = client.createPayout(id, PayoutRequest(
        Money("10000", "IDR"), BankTransfer("BNK_000", BankAccount("Test account", number)), callbackUrl = url), resume)

    @Test
    fun `it moves the balances that it was given, and writes down what it did`() {
        pay("A-1")
        pay("A-2", number = sandbox.accountNumber(failure = "INVALID_ACCOUNT_NUMBER"))
        sandbox.idle()
        val idr = sandbox.balance("IDR")
        assertEquals(List(2) { Money("40000", "IDR") }, listOf(idr.balance, idr.available))
        assertEquals(BigDecimal.ZERO, idr.pendingPayout.amount)
        assertEquals(BigDecimal("0.5"), sandbox.balance("XYZ").available.amount)
        assertThrows(NoSuchElementException::class.java) { sandbox.balance("ABC") }
        val lines = sandbox.ledger()
        assertEquals(
            listOf("A-1 executed", "A-1 booked", "A-2 executed", "A-2 released"),
            lines.map { "${it.payoutId} ${it.kind}" })
        assertEquals(listOf(1L, 2L, 3L, 4L), lines.map { it.sequence })
        assertTrue(Regex("   1 \\S+Z executed A-1 10000 IDR payee [0-9a-f]{16}").matches("${lines[0]}"), "${lines[0]}")
        assertEquals(2, sandbox.calls("create_payout"))
        val unknown = assertThrows(IllegalArgumentException::class.java) { sandbox.calls("pay") }
        assertTrue("get_payout" in unknown.message!!, unknown.message)
    }

    @Test
    fun `a lost answer and a lost request each pay once`() {
        sandbox.loseAnswer()
        assertTrue(pay("A-1").recovered)
        sandbox.loseRequest()
        pay("A-2")
        assertEquals(listOf(1, 1, 0), listOf("A-1", "A-2", "A-3").map(sandbox::executed))
    }

    @Test
    fun `an outcome stays hidden until the faults are cleared`() {
        val hasty = sandbox.configBuilder().totalTimeout(Duration.ofSeconds(3)).attemptTimeout(Duration.ofMillis(1500))
        sandbox.blockingClient(hasty.build()).use { client ->
            sandbox.hideOutcome(payoutId = "A-1")
            assertThrows(OutcomeUnknownException::class.java) { pay("A-1", client) }
            pay("A-2", client)
            sandbox.clearFaults()
            pay("A-1", client, resume = true)
        }
        assertEquals(1, sandbox.executed("A-1"))
    }

    @Test
    fun `it refuses, is busy, is down and is slow`() {
        sandbox.reject("BALANCE_INSUFFICIENT")
        val refused = assertThrows(RejectedException::class.java) { pay("A-1") }
        assertEquals(listOf("BALANCE_INSUFFICIENT"), refused.reasons.map { it.code })
        sandbox.rateLimit(retryAfter = 1000)
        assertThrows(RateLimitedException::class.java) { pay("A-2") }
        sandbox.unavailable("get_balances", status = 500)
        assertThrows(UnavailableException::class.java) { client.balances() }
        sandbox.slow(Duration.ofMillis(50), operation = "get_merchant_info")
        val before = System.nanoTime()
        client.merchantInfo()
        assertTrue(System.nanoTime() - before >= 50_000_000)
        sandbox.setMerchantActive(false)
        assertThrows(RejectedException::class.java) { sandbox.blockingClient().use { it.merchantInfo() } }
    }

    @Test
    fun `an answer that is another's, or comes twice, is not believed`() {
        client.currencies()
        sandbox.strayAnswer(502, body = "no JSON", headers = mapOf("X-Of" to "others"))
        assertTrue(pay("A-1").recovered)
        client.currencies()
        sandbox.previousAnswer(executeAfter = Duration.ofMillis(1))
        pay("A-2")
        assertEquals(listOf(1, 1), listOf("A-1", "A-2").map(sandbox::executed))
    }

    @Test
    fun `what it cannot do, it says`() {
        val unknown = assertThrows(IllegalArgumentException::class.java) { sandbox.fail("create_payout", "explode") }
        assertTrue("explode" in unknown.message!! && "execute_then_close" in unknown.message!!, unknown.message)
        val detail = assertThrows(IllegalArgumentException::class.java) {
            sandbox.fail("create_payout", "delay", mapOf("ms" to Thread.currentThread()))
        }
        assertTrue("java.lang.Thread" in detail.message!!, detail.message)
        assertThrows(NoSuchElementException::class.java) { sandbox.changeStatus("A/9", "FAILED") }
        val number = assertThrows(IllegalArgumentException::class.java) { sandbox.accountNumber("FAILED", "NONE") }
        assertTrue("REFUSED IP_DENIED" in number.message!!, number.message)
        val start = assertThrows(IllegalStateException::class.java) {
            Sandbox(balances = mapOf("idr" to BigDecimal.TEN))
        }
        assertTrue("capital letters" in start.message!!, start.message)
    }

    @Test
    fun `account numbers decide the end`() {
        assertEquals("9000000019", sandbox.accountNumber(failure = "INVALID_ACCOUNT_NUMBER"))
        assertEquals("9000000033", sandbox.accountNumber(status = "REFUSED"))
        assertEquals("9000000099", sandbox.accountNumber(status = "PROCESSING"))
        assertEquals("11223344", sandbox.accountNumber())
    }

    @Test
    fun `it delivers callbacks, and they go wrong as they shall`() {
        val received = CopyOnWriteArrayList<String>()
        val server = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
        server.createContext("/") { exchange ->
            received += String(exchange.requestBody.readAllBytes())
            exchange.sendResponseHeaders(200, -1)
            exchange.close()
        }
        server.start()
        val url = "http://127.0.0.1:${server.address.port}/hook"
        try {
            pay("A-1", url = url)
            assertTrue(sandbox.waitForDeliveries())
            sandbox.failCallback("lose_answer", payoutId = "A-1", status = "FAILED", attempt = 1)
            sandbox.changeStatus("A-1", "FAILED", "IP_DENIED")
            assertFalse(sandbox.waitForDeliveries(Duration.ofMillis(1)))
            sandbox.advance(Duration.ofMinutes(2))
            assertTrue(sandbox.waitForDeliveries())
            sandbox.sendCallback("A-1")
            assertTrue(sandbox.waitForDeliveries())
            assertEquals("answered", sandbox.forgeCallback("A-9", url).outcome)
        } finally {
            server.stop(0)
        }
        assertEquals(
            listOf("A-1 SUCCESS 1 answered", "A-1 FAILED 1 answer_lost", "A-1 FAILED 2 answered",
                "A-1 FAILED 1 answered", "A-9 null 1 answered"),
            sandbox.deliveries().map { "${it.payoutId} ${it.status} ${it.attempt} ${it.outcome}" })
        assertEquals(List(5) { 200 }, sandbox.deliveries().map { it.httpStatus })
        assertEquals(List(5) { url }, sandbox.deliveries().map { it.url })
        assertEquals(5, received.size)
        pay("A-2", url = "https://shop.example/hook")
        sandbox.idle()
        val withheld = sandbox.deliveries().last()
        assertEquals("withheld", withheld.outcome)
        assertTrue("shop.example" in withheld.reason!!, withheld.reason)
    }

    @Test
    fun `it begins anew`() {
        pay("A-1")
        sandbox.loseAnswer(nth = null)
        sandbox.reset()
        assertEquals(listOf<LedgerEntry>(), sandbox.ledger())
        sandbox.blockingClient().use { assertFalse(pay("A-1", it).recovered) }
    }

    @Test
    fun `it ends with close`() {
        val other = Sandbox()
        other.close()
        other.close()
        val over = assertThrows(IllegalStateException::class.java) { other.ledger() }
        assertEquals("this sandbox has been closed", over.message)
    }
}
