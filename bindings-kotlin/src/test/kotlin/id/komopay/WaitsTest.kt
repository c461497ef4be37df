package id.komopay

import java.time.Duration
import java.util.concurrent.CompletionException
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** Waiting for many payouts. */
class WaitsTest {
    private val sandbox = Sandbox()
    private val client = Client(sandbox.config().copy(settleWindow = 200.milliseconds))
    private val blocking = BlockingClient(sandbox.config())
    private val ids = (1..40).map { "A-$it" }

    @AfterEach
    fun stop() {
        blocking.close()
        runBlocking { client.close() }
        sandbox.close()
    }

    private fun create(ids: List<String>) = ids.forEach { blocking.createPayout(it, Sandbox.request()) }

    @Test
    fun `each payout is given once, with few tokens, and what is wrong with one ends no other`() = runBlocking {
        create(ids)
        val tokens = sandbox.calls("issue_token")
        val waited = client.waitForPayouts(ids + "A-1" + "NONE", 1.minutes, readsPerSecond = 1000.0).toList()
        assertEquals((ids + "NONE").sorted(), waited.map { it.payoutId }.sorted())
        val (final, others) = waited.partition { it.error == null }
        assertTrue(final.all { it.result().status == PayoutStatus.Success && it.result().attempts.isNotEmpty() })
        assertThrows<NotFoundException> { others.single().result() }
        assertEquals(2, sandbox.calls("issue_token") - tokens)
    }

    @Test
    fun `one that is not final in time has what was seen of it, and who has the first of several reads no others`() {
        Sandbox("--processing-ms", "600000").use { slow ->
            BlockingClient(slow.config()).use { blocking ->
                for (id in listOf("A-1", "A-2")) blocking.createPayout(id, Sandbox.request())
                slow.changeStatus("A-1", "SUCCESS")
                val waits = blocking.client.waitForPayouts(listOf("A-2", "A-1"), 2.seconds)
                val waited = runBlocking { waits.toList() }.associateBy { it.payoutId }
                assertEquals(PayoutStatus.Success, waited["A-1"]?.payout?.status)
                val error = waited["A-2"]?.error as NotFinalException
                assertEquals(PayoutStatus.Processing, error.payout?.status)
                assertEquals("A-1", runBlocking { waits.first() }.payoutId)
            }
        }
    }

    @Test
    fun `a wait that is cancelled reads no more, and a bad rate is refused by its name`() = runBlocking {
        create(listOf("A-1"))
        sandbox.hold("get_payout")
        val waiting = launch { client.waitForPayouts(listOf("A-1"), 1.minutes).toList() }
        withContext(Dispatchers.IO) { sandbox.awaitCalls("get_payout", 1) }
        waiting.cancel()
        waiting.join()
        sandbox.clearFaults()
        assertEquals(1, sandbox.calls("get_payout"))
        for (rate in listOf(0.0, Double.NaN)) {
            val refused = runCatching { client.waitForPayouts(ids, 1.minutes, rate).first() }.exceptionOrNull()
            assertEquals("reads_per_second", (refused as InvalidRequestException).field)
        }
    }

    @Test
    fun `in Java it is a loop, which is closed, and a future`() {
        create(ids)
        blocking.waitForPayouts(ids, Duration.ofMinutes(1), 1000.0).use { waits ->
            assertTrue(waits.first().payoutId in ids)
            assertEquals(ids.size - 1, waits.count { it.result().status == PayoutStatus.Success })
            assertFalse(waits.iterator().hasNext())
            assertThrows<NoSuchElementException> { waits.iterator().next() }
        }
        blocking.waitForPayouts(ids, Duration.ofMinutes(1)).also { it.close() }.let { assertEquals(0, it.count()) }

        AsyncClient(sandbox.config()).use { futures ->
            val seen = ConcurrentLinkedQueue<String>()
            futures.waitForPayouts(ids, Duration.ofMinutes(1), 1000.0) { seen += it.payoutId }.join()
            assertEquals(ids.sorted(), seen.sorted())
            val failed = futures.waitForPayouts(ids, Duration.ofMinutes(1), 1000.0) { error("of the application") }
            assertEquals("of the application", assertThrows<CompletionException> { failed.join() }.cause?.message)
        }
    }

    @Test
    fun `an interrupted loop can go on`() {
        create(listOf("A-1"))
        blocking.waitForPayouts(listOf("A-1"), Duration.ofMinutes(1)).use { waits ->
            Thread.currentThread().interrupt()
            assertThrows<InterruptedException> { waits.iterator().hasNext() }
            assertEquals("A-1", waits.single().payoutId)
        }
    }
}
