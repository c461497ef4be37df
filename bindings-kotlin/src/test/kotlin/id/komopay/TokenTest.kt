package id.komopay

import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class TokenTest {
    private val sandbox = Sandbox()
    private val server = Client(sandbox.config())

    @AfterEach
    fun stop() {
        runBlocking { server.close() }
        sandbox.close()
    }

    @Test
    fun `a token for one payout is enough for it, and for nothing else`() = runBlocking {
        val money = Sandbox.request().money
        val token = server.issueToken(AccessScope.payout("A-1", money)).expose()
        Client(sandbox.config(Credentials.token(token))).use { app ->
            assertThrows<PermissionDeniedException> { runBlocking { app.createPayout("A-2", Sandbox.request()) } }
            val more = Sandbox.request("20000")
            assertThrows<PermissionDeniedException> { runBlocking { app.createPayout("A-1", more) } }
            assertThrows<PermissionDeniedException> { runBlocking { app.balances() } }
            assertEquals(money, app.createPayout("A-1", Sandbox.request()).money)
        }
        // Another sum is refused by the platform, for no token tells its own; the rest is refused here.
        assertEquals(2, sandbox.calls("create_payout"))
        assertEquals(0, sandbox.calls("get_balances"))
        assertEquals(listOf("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger())
    }

    @Test
    fun `a provider is asked when a token is needed, in coroutines and in threads`() = runBlocking {
        val token = server.issueToken(AccessScope.operations(listOf("GET /currencies"))).expose()
        val asked = AtomicInteger()
        val ways = listOf(
            Credentials.provider { token.also { asked.incrementAndGet() } },
            blockingProvider { token.also { asked.incrementAndGet() } },
        )
        for ((number, credentials) in ways.withIndex()) {
            Client(sandbox.config(credentials)).use { app -> assertTrue("IDR" in app.currencies()) }
            assertEquals(number + 1, asked.get())
        }
    }

    @Test
    fun `of what a provider throws only the type is told`() = runBlocking {
        val ways = mapOf(
            Credentials.provider { error("the token is ${Sandbox.SECRET}") } to "java.lang.IllegalStateException",
            Credentials.provider { throw NotImplementedError("no Exception at all") } to "kotlin.NotImplementedError",
            blockingProvider { throw java.io.IOException("the token is ${Sandbox.SECRET}") } to "java.io.IOException",
            Credentials.provider { "half a character: \uD800" } to "java.nio.charset.MalformedInputException",
        )
        for ((credentials, type) in ways) {
            Client(sandbox.config(credentials).copy(readAttempts = 1)).use { app ->
                val error = assertThrows<UnavailableException> { runBlocking { app.currencies() } }
                assertTrue(type in error.message, error.message)
                assertFalse(Sandbox.SECRET in error.stackTraceToString())
            }
        }
    }
}
