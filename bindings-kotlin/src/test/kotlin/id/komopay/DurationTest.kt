package id.komopay

import java.util.concurrent.CompletableFuture
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** Whatever takes a time span of Java takes one of Kotlin. */
class DurationTest {
    @Test
    fun `calls take the time spans of Kotlin`() = runBlocking<Unit> {
        Sandbox().use { sandbox ->
            val config = sandbox.config().copy(
                callbackKeys = listOf("canary-key-0d81f2c4-7a3e-4b9c-9d55"), changeStore = ChangeStore.memory())
            Client(config).use { client ->
                client.createPayout("A-1", Sandbox.request())
                assertEquals(PayoutStatus.Success, client.waitForPayout("A-1", 60.seconds).status)
                assertTrue(client.issueToken(AccessScope.read("A-1"), 2.minutes).expose().isNotEmpty())
                val handled = CompletableFuture<String>()
                PayoutCallbacks(client, 5.milliseconds) { handled.complete(it.payoutId) }.use {
                    assertEquals("A-1", handled.get())
                }
            }
            BlockingClient(sandbox.config()).use { client ->
                assertEquals("A-1", client.waitForPayout("A-1", 60.seconds).payoutId)
                assertTrue(client.issueToken(AccessScope.read("A-1"), 2.minutes).expose().isNotEmpty())
            }
        }
    }

    @Test
    fun `waits for many and options take the time spans of Kotlin, whichever client it is`() = runBlocking<Unit> {
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                client.createPayout("A-1", Sandbox.request())
                val asked: PayoutClient = client
                val ended = asked.waitForPayouts(listOf("A-1"), 60.seconds).toList()
                assertEquals(listOf("A-1"), ended.map { it.payoutId })
                assertRefused { asked.withOptions(0.seconds) }
                assertEquals("A-1", asked.withOptions(30.seconds).getPayout("A-1").payoutId)
                val stays: Client = client.withOptions(30.seconds, mapOf("X-Job" to "payroll-7"))
                assertEquals("A-1", stays.getPayout("A-1").payoutId)
            }
            BlockingClient(sandbox.config()).use { client ->
                val asked: BlockingPayoutClient = client
                asked.waitForPayouts(listOf("A-1"), 60.seconds).use { waits ->
                    assertEquals(listOf("A-1"), waits.map { it.payoutId })
                }
                asked.waitForPayouts(listOf("NONE"), 1.milliseconds, readsPerSecond = 50.0).use { waits ->
                    assertTrue(waits.single().error != null)
                }
                assertRefused { asked.withOptions(0.seconds) }
                assertEquals("A-1", asked.withOptions(30.seconds).getPayout("A-1").payoutId)
                val stays: BlockingClient = client.withOptions(30.seconds)
                assertEquals("A-1", stays.getPayout("A-1").payoutId)
            }
        }
    }

    private fun assertRefused(call: () -> Unit) =
        assertEquals("total_timeout", assertThrows<ConfigurationException> { call() }.field)

    @Test
    fun `settings take the time spans of Kotlin, and what is not named stays`() {
        val java = Config("https://host.example", Credentials.token("t"), attemptTimeout = 3.seconds.toJavaDuration())
        val kotlin = java.copy(totalTimeout = 30.seconds, changeLease = 90.seconds)
        val expected =
            java.copy(totalTimeout = 30.seconds.toJavaDuration(), changeLease = 90.seconds.toJavaDuration())
        assertEquals(expected, kotlin)
        assertEquals(3.seconds.toJavaDuration(), kotlin.attemptTimeout)
    }

    @Test
    fun `an error takes a time span of Kotlin`() {
        val error = KomopayExceptionBuilder(ErrorKind.RATE_LIMITED).retryAfter(2.seconds).build()
        assertEquals(2.seconds.toJavaDuration(), error.retryAfter)
    }
}
