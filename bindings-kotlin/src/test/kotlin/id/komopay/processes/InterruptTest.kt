package id.komopay.processes

import id.komopay.BlockingClient
import id.komopay.ClosedException
import id.komopay.LogLevel
import id.komopay.Sandbox
import id.komopay.setLogger
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** Threads that are interrupted in a call: they are released at once, and each id is known or named. */
@Tag("process-model")
class InterruptTest {
    private val sandbox = Sandbox()
    private val client = BlockingClient(sandbox.config())
    private val pool = Executors.newFixedThreadPool(THREADS)
    private val log = LinkedBlockingQueue<String>()

    init {
        setLogger { log.put(it.text) }
    }

    @AfterEach
    fun stop() {
        setLogger(LogLevel.ERROR) { }
        pool.shutdownNow()
        client.close()
        sandbox.close()
    }

    @Test
    fun `a pool that is shut down now sends no more, and what it had sent is found under its id`() {
        sandbox.hold("create_payout")
        val ids = List(3 * THREADS) { "A-$it" }
        val calls = ids.associateWith { id -> pool.submit<Any> { client.createPayout(id, Sandbox.request()) } }
        sandbox.awaitCalls("create_payout", THREADS)

        assertEquals(2 * THREADS, pool.shutdownNow().size)
        // Nothing was let go on: only the interrupts can end these.
        assertTrue(pool.awaitTermination(60, TimeUnit.SECONDS))
        val begun = ids.take(THREADS)
        for (id in begun) {
            assertTrue(assertThrows<ExecutionException> { calls.getValue(id).get() }.cause is InterruptedException)
        }
        val records = generateSequence { log.poll(60, TimeUnit.SECONDS) }
        val named = records.filter { "nobody waits" in it }.take(THREADS).toList()
        begun.forEach { id -> assertEquals(1, named.count { "$id " in "$it " && "resume" in it }, "$id in $named") }
        assertEquals(begun.toSet(), client.createsUnderWay().toSet())

        sandbox.clearFaults()
        begun.forEach { assertEquals(it, client.createPayout(it, Sandbox.request(), true).payoutId) }
        val executed = sandbox.ledger().filter { "executed" in it }
        assertEquals(begun.map { "executed $it 10000 IDR" }.sorted(), executed.sorted())
        assertEquals(THREADS, sandbox.calls("create_payout"), "what was not begun was not sent")
        assertEquals(listOf<String>(), client.createsUnderWay())
    }

    @Test
    fun `a call that is interrupted before its create is sent sends none`() {
        sandbox.hold("issue_token")
        val call = pool.submit<Any> { client.createPayout("A-0", Sandbox.request()) }
        sandbox.awaitCalls("issue_token", 1)
        pool.shutdownNow()
        assertTrue(assertThrows<ExecutionException> { call.get() }.cause is InterruptedException)
        sandbox.clearFaults()
        client.close()
        assertEquals(listOf<String>(), client.createsUnderWay())
        assertEquals(listOf<String>(), sandbox.ledger())
        assertEquals(0, sandbox.calls("create_payout"))
    }

    @Test
    fun `closing is interrupted, too, and the id is still told`() {
        sandbox.hold("create_payout")
        val call = pool.submit<Any> { client.createPayout("A-0", Sandbox.request()) }
        sandbox.awaitCalls("create_payout", 1)
        val closing = pool.submit<Boolean> {
            client.close()
            Thread.interrupted()
        }
        // Closing has begun when calls are refused.
        while (runCatching { client.currencies() }.exceptionOrNull() !is ClosedException) Thread.onSpinWait()
        pool.shutdownNow()
        assertTrue(closing.get(), "the thread stays interrupted")
        assertTrue(assertThrows<ExecutionException> { call.get() }.cause is InterruptedException)
        assertEquals(listOf("A-0"), client.createsUnderWay())
        sandbox.clearFaults()
        assertEquals(listOf("executed A-0 10000 IDR", "booked A-0 10000 IDR"), sandbox.ledger())
    }

    private companion object {
        const val THREADS = 4
    }
}
