package id.komopay

import java.util.concurrent.CompletableFuture
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

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
