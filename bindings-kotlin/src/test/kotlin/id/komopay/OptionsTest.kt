package id.komopay

import java.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** A client with other options for its calls is the same client. */
class OptionsTest {
    private val sandbox = Sandbox()
    private val client = Client(sandbox.config().copy(tokenScope = TokenScope.EVERYTHING))

    @AfterEach
    fun stop() {
        sandbox.clearFaults()
        runBlocking { client.close() }
        sandbox.close()
    }

    @Test
    fun `a client with other options has the tokens of the first, and is closed with it`() = runBlocking<Unit> {
        client.createPayout("A-1", Sandbox.request())
        val hurried = client.withOptions(10.seconds, mapOf("X-Job" to "payroll-7"))
        assertEquals("A-1", hurried.getPayout("A-1").payoutId)
        assertEquals(1, sandbox.calls("issue_token"))
        hurried.close()
        assertThrows<ClosedException> { client.getPayout("A-1") }
    }

    @Test
    fun `a header that frames a message or is the SDK's is refused by its name, and no value is repeated`() {
        for (name in listOf("Host", "content-length", "Authorization", "Id-Customer", "Proxy-Authorization", "a b")) {
            val headers = mapOf(name to "canary-value")
            val refused = assertThrows<ConfigurationException>(name) { client.withOptions(headers = headers) }
            assertEquals("headers", refused.field)
            assertFalse("canary-value" in refused.stackTraceToString(), refused.message)
        }
        for (value in listOf("two\r\nlines", "half \uD800 a pair")) {
            val headers = mapOf("X-Job" to value)
            val refused = assertThrows<ConfigurationException> { client.withOptions(headers = headers) }
            assertEquals("headers", refused.field)
        }
    }

    @Test
    fun `a deadline that no call can have is refused`() {
        for (span in listOf(Duration.ofNanos(1), Duration.ofSeconds(-1), Duration.ofDays(366))) {
            val refused = assertThrows<ConfigurationException>("$span") { client.withOptions(totalTimeout = span) }
            assertEquals("total_timeout", refused.field)
        }
    }

    @Test
    fun `one that joins a create with less time is told that its outcome is not known`() = runBlocking {
        sandbox.hold("create_payout")
        val first = async { client.createPayout("A-1", Sandbox.request()) }
        withContext(Dispatchers.IO) { sandbox.awaitCalls("create_payout", 1) }
        val hurried = client.withOptions(totalTimeout = Duration.ofMillis(50))
        val unknown = runCatching { hurried.createPayout("A-1", Sandbox.request()) }.exceptionOrNull()
        assertEquals("A-1", (unknown as OutcomeUnknownException).payoutId)
        sandbox.clearFaults()
        assertEquals("A-1", first.await().payoutId)
        assertEquals(listOf("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger())
    }

    @Test
    fun `settings that are not given are shown with their defaults`() {
        val shown = Config("https://host.example", Credentials.token("t"), attemptTimeout = Duration.ofSeconds(3))
        for (setting in listOf("total_timeout: 90s", "attempt_timeout: 3s", "validate: true")) {
            assertTrue(setting in shown.toString(), "$shown")
        }
    }

    @Test
    fun `in Java's clients too`() {
        BlockingClient(sandbox.config()).use { blocking ->
            val hurried = blocking.withOptions(Duration.ofSeconds(10), mapOf("X-Job" to "payroll-7"))
            assertTrue("IDR" in hurried.currencies())
            hurried.close()
            assertThrows<ClosedException> { blocking.currencies() }
        }
        AsyncClient(sandbox.config()).use { futures ->
            assertTrue("IDR" in futures.withOptions(null, mapOf("X-Job" to "payroll-7")).currencies().join())
        }
    }
}
