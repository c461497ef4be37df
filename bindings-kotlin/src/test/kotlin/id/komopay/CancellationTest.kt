package id.komopay

import java.util.concurrent.atomic.AtomicReference
import kotlin.concurrent.thread
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class CancellationTest {
    private val sandbox = Sandbox()
    private val gate = Gate(sandbox.url)
    private val config = sandbox.config().copy(baseUrl = gate.url)

    @AfterEach
    fun stop() {
        gate.close()
        sandbox.close()
    }

    @Test
    fun `a cancelled create releases its caller at once, and is read to its end`() = runBlocking {
        val client = Client(config)
        val call = async(Dispatchers.Default) { client.createPayout("A-1", Sandbox.request()) }
        withContext(Dispatchers.IO) { gate.awaitCreate() }
        val named = CompletableDeferred<String>()
        setLogger { if ("A-1" in it.text) named.complete(it.text) }
        // The gate is shut, so only the cancel can end this.
        call.cancelAndJoin()
        assertTrue("resume" in named.await(), "the log names the id and the way on")
        assertThrows<CancellationException> { runBlocking { call.await() } }
        assertEquals(listOf<String>(), sandbox.ledger())

        gate.open()
        client.close()
        assertEquals(listOf("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger())

        Client(config).use { again ->
            assertTrue(again.createPayout("A-1", Sandbox.request(), resume = true).recovered)
        }
        assertEquals(1, gate.creates)
    }

    @Test
    fun `a caller that was cancelled before sends nothing`() = runBlocking {
        Client(sandbox.config()).use { client ->
            launch {
                cancel()
                client.createPayout("A-1", Sandbox.request())
            }.join()
            assertEquals(0, sandbox.calls("create_payout") + sandbox.calls("issue_token"))
        }
    }

    @Test
    fun `leaving use by a cancellation does not wait for the create on the wire`() = runBlocking {
        val call = launch(Dispatchers.Default) {
            Client(config).use { client -> client.createPayout("A-1", Sandbox.request()) }
        }
        withContext(Dispatchers.IO) { gate.awaitCreate() }
        call.cancelAndJoin()
        assertEquals(listOf<String>(), sandbox.ledger())
        gate.open()
    }

    @Test
    fun `an interrupted thread is released at once, and closing does not wait for it`() {
        val client = BlockingClient(config)
        val thrown = AtomicReference<Throwable>()
        val caller = thread {
            client.use {
                try {
                    it.createPayout("A-1", Sandbox.request())
                } catch (interrupted: InterruptedException) {
                    thrown.set(interrupted)
                    Thread.currentThread().interrupt()
                }
            }
        }
        gate.awaitCreate()
        caller.interrupt()
        caller.join()
        assertTrue(thrown.get() is InterruptedException)
        gate.open()
        assertEquals(1, gate.creates)
    }

    @Test
    fun `a closed client makes no call`() = runBlocking {
        val client = Client(sandbox.config())
        client.close()
        client.close()
        assertEquals("A-1", assertThrows<ClosedException> { create(client) }.payoutId)
        assertThrows<ClosedException> { runBlocking { client.currencies() } }
        assertEquals(0, sandbox.calls("create_payout"))
    }

    private fun create(client: Client) = runBlocking { client.createPayout("A-1", Sandbox.request()) }
}
