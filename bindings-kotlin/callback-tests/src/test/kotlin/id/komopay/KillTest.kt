package id.komopay

import java.io.File
import java.time.Duration
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** Killed at every step between a callback and the end of its handler, a shop loses no change, and notes none twice. */
class KillTest {
    @TempDir
    lateinit var folder: File
    private val sandbox = Sandbox()
    private val client = Client(sandbox.config().copy(callbackKeys = listOf(Shop.KEY)))
    private val port = Shop.freePort()

    @AfterEach
    fun stop() = runBlocking {
        client.close()
        sandbox.close()
    }

    @ParameterizedTest
    @ValueSource(strings = ["issue_token", "get_payout"])
    fun `killed before the change is in the store, it hears of it by the repeat`(operation: String) {
        create("A-1")
        open().apply {
            val before = sandbox.calls(operation)
            sandbox.breakNext(operation, """{"type": "hold"}""")
            sandbox.changeStatus("A-1", "SUCCESS")
            while (sandbox.calls(operation) == before) Thread.onSpinWait()
            kill()
        }
        sandbox.clearFaults()
        assertEquals(listOf("A-1 failed"), sandbox.deliveries())
        open().use { shop ->
            sandbox.advance(Duration.ofMinutes(2))
            handle(shop, "A-1")
            assertEquals(listOf("A-1 failed", "A-1 200"), sandbox.deliveries())
            nothingIsLeft(shop, "A-2")
        }
    }

    @Test
    fun `killed in the handler, it is given the change again, without a callback`() {
        create("A-1")
        open().apply {
            sandbox.changeStatus("A-1", "SUCCESS")
            assertEquals("A-1 begins 1 SUCCESS", next())
            assertEquals(listOf("A-1 200"), sandbox.deliveries())
            kill()
        }
        open().use { shop ->
            handle(shop, "A-1")
            assertEquals(listOf("A-1 200"), sandbox.deliveries())
            nothingIsLeft(shop, "A-2")
        }
    }

    @Test
    fun `killed with its answer lost, it handles the change once`() {
        create("A-1")
        create("A-2")
        sandbox.breakNextCallback("""{"type": "lose_answer"}""")
        open().apply {
            sandbox.changeStatus("A-1", "SUCCESS")
            handle(this, "A-1")
            // It begins with another one when the first was acknowledged.
            sandbox.changeStatus("A-2", "SUCCESS")
            assertEquals("A-2 begins 1 SUCCESS", next())
            kill()
        }
        open().use { shop ->
            handle(shop, "A-2")
            sandbox.advance(Duration.ofMinutes(2))
            assertEquals(listOf("A-1 200", "A-1 200"), sandbox.deliveries().filter { it.startsWith("A-1") })
            nothingIsLeft(shop, "A-3")
        }
    }

    /** What a shop handles next, after this, is the next payout. */
    private fun nothingIsLeft(shop: Shop, next: String) {
        create(next)
        sandbox.changeStatus(next, "SUCCESS")
        handle(shop, next)
    }

    private fun handle(shop: Shop, payoutId: String) {
        assertEquals("$payoutId begins 1 SUCCESS", shop.next())
        shop.tell("go on")
        assertEquals("$payoutId ends 1 SUCCESS", shop.next())
    }

    private fun open(): Shop {
        val changes = folder.resolve("changes.sqlite")
        return Shop(System.getProperty("java.class.path"), "id.komopay.KillableShopKt", sandbox, port, changes)
    }

    /** A payout that stays PROCESSING until the sandbox is told otherwise. */
    private fun create(payoutId: String) = runBlocking {
        val url = client.callbackUrl("http://127.0.0.1:$port/komopay", payoutId)
        val account = BankAccount("Test account", "9000000099")
        val payee = BankTransfer("BNK_000", account, emailAddress = "customer@test.com")
        client.createPayout(payoutId, PayoutRequest(Money("10000", "IDR"), payee, callbackUrl = url))
    }
}
