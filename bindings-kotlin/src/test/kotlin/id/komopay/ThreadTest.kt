package id.komopay

import id.komopay.ffi.NativeClient
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.completeWith
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** In which threads callers go on, and what they may do there. */
class ThreadTest {
    private val sandbox = Sandbox()
    private val client = Client(sandbox.config())
    private val blocking = BlockingClient(sandbox.config())

    @AfterEach
    fun stop() {
        blocking.close()
        runBlocking { client.close() }
        sandbox.close()
    }

    @Test
    fun `without a dispatcher the caller goes on in a thread where it may block`() = runBlocking {
        client.createPayout("A-1", Sandbox.request())
        withContext(Dispatchers.Unconfined) { blockAfterACall() }
        val ended = CompletableDeferred<Unit>()
        ::blockAfterACall.startCoroutine(Continuation(EmptyCoroutineContext) { ended.completeWith(it) })
        ended.await()
    }

    private suspend fun blockAfterACall() {
        repeat(3) {
            client.getPayout("A-1")
            assertFalse(Thread.currentThread().name.startsWith("komopay"), Thread.currentThread().name)
            // It needs the core's threads itself.
            assertEquals("A-1", blocking.getPayout("A-1").payoutId)
        }
        Client(sandbox.config()).close()
        assertFalse(Thread.currentThread().name.startsWith("komopay"), Thread.currentThread().name)
    }

    @Test
    fun `threads of a dispatcher may block in calls, all of them`() = runBlocking<Unit> {
        client.createPayout("A-1", Sandbox.request())
        for (dispatcher in listOf(Dispatchers.Default, Dispatchers.IO)) {
            // As many as threads, or more: none is left that a call could need.
            val calls = List(100) { async(dispatcher) { blocking.getPayout("A-1") } }
            assertEquals(setOf("A-1"), calls.awaitAll().map { it.payoutId }.toSet())
        }
    }

    @Test
    fun `a thread that was interrupted before sends nothing`() {
        Thread.currentThread().interrupt()
        assertThrows<InterruptedException> { blocking.createPayout("A-1", Sandbox.request()) }
        assertFalse(Thread.currentThread().isInterrupted)
        // It would wait for a create on the wire.
        blocking.close()
        assertEquals(0, sandbox.calls("create_payout") + sandbox.calls("issue_token"))
    }

    @Test
    fun `a client that cannot be closed hides no error`() = runBlocking<Unit> {
        val uncaught = CopyOnWriteArrayList<Throwable>()
        val handler = Thread.getDefaultUncaughtExceptionHandler()
        Thread.setDefaultUncaughtExceptionHandler { _, thrown -> uncaught += thrown }
        try {
            val thrown = assertThrows<IllegalStateException> { leave(IllegalStateException("the real one")) }
            assertEquals("the real one", thrown.message)
            assertTrue(thrown.suppressed.single() is InternalException)
            assertThrows<CancellationException> { leave(CancellationException("left")) }
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(handler)
        }
        assertEquals(listOf<Throwable>(), uncaught)
    }

    private fun leave(why: Throwable) = runBlocking<Unit> {
        Client(sandbox.config()).use {
            val core = Client::class.java.getDeclaredField("core").apply { isAccessible = true }
            (core.get(it) as NativeClient).destroy()
            throw why
        }
    }
}
