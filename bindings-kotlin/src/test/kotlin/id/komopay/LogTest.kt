package id.komopay

import com.sun.jna.Native
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asContextElement
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class LogTest {
    private val sandbox = Sandbox()
    private val events = LinkedBlockingQueue<Pair<LogLevel, String>>()

    @AfterEach
    fun stop() {
        setLogger(LogLevel.ERROR) { }
        sandbox.close()
    }

    @Test
    fun `the log goes as far as its level`() {
        setLogger(LogLevel.DEBUG) { events.put(it.level to it.text) }
        assertTrue(LogLevel.DEBUG in levels("A-1"))

        setLogger { events.put(it.level to it.text) }
        assertEquals(setOf<LogLevel>(), levels("A-2"))
    }

    @Test
    fun `a logger that throws goes on being told, and what it throws is dropped`() {
        val thrown = CopyOnWriteArrayList<Throwable>()
        val handler = Native.getCallbackExceptionHandler()
        Native.setCallbackExceptionHandler { _, throwable -> thrown += throwable }
        try {
            setLogger(LogLevel.DEBUG) { record ->
                events.put(record.level to record.text)
                throw NotImplementedError("no Exception at all")
            }
            repeat(2) { assertEquals(setOf(LogLevel.DEBUG), levels("A-$it")) }
        } finally {
            Native.setCallbackExceptionHandler(handler)
        }
        assertEquals(listOf<Throwable>(), thrown)
    }

    private class Told(val record: LogRecord, val thread: Thread, val request: String?)

    private val request = ThreadLocal<String>()
    private val told = CopyOnWriteArrayList<Told>()

    private fun listen() = setLogger(LogLevel.DEBUG) { told += Told(it, Thread.currentThread(), request.get()) }

    @Test
    fun `a blocking caller is told in its own thread, before the call returns`() {
        listen()
        request.set("request-1")
        BlockingClient(sandbox.config()).use { client ->
            repeat(100) {
                told.clear()
                client.createPayout("A-$it", Sandbox.request())
                assertTrue(told.any { "POST /payouts" in it.record.text }, "of call $it")
                assertEquals(setOf(Thread.currentThread() to "request-1"), told.map { it.thread to it.request }.toSet())
            }
        }
        val sent = told.map { it.record }.first { it.httpStatus == 201 }
        // The first attempt asked for the token.
        assertEquals("A-99" to 2, sent.payoutId to sent.attempt)
        assertTrue(sent.durationMs!! >= 0)
    }

    @Test
    fun `a coroutine is told in its context, before the call returns`() = runBlocking {
        listen()
        Client(sandbox.config()).use { client ->
            val callers = List(20) { number ->
                launch(Dispatchers.Default + request.asContextElement("request-$number")) {
                    client.createPayout("A-$number", Sandbox.request())
                    assertTrue(told.any { it.request == "request-$number" && "POST /payouts" in it.record.text })
                }
            }
            callers.joinAll()
            val of = told.filter { it.record.payoutId != null }.groupBy({ it.record.payoutId }, { it.request })
            assertEquals(List(20) { "A-$it" to setOf("request-$it") }.toMap(), of.mapValues { it.value.toSet() })
        }
    }

    @Test
    fun `a caller is told while it waits`() {
        val waiting = LinkedBlockingQueue<Thread>()
        setLogger(LogLevel.DEBUG) { if ("auth-tokens" in it.text) waiting.put(Thread.currentThread()) }
        sandbox.hold("create_payout")
        val payer = thread { BlockingClient(sandbox.config()).use { it.createPayout("A-1", Sandbox.request()) } }
        assertEquals(payer, waiting.poll(30, TimeUnit.SECONDS))
        sandbox.clearFaults()
        payer.join()
    }

    /** The levels of what the log says of a call with this id. */
    private fun levels(payoutId: String): Set<LogLevel> {
        read(payoutId)
        return events.filter { (_, text) -> payoutId in text }.map { it.first }.toSet()
    }

    private fun read(payoutId: String) = runBlocking {
        Client(sandbox.config()).use {
            assertTrue(runCatching { it.getPayout(payoutId) }.exceptionOrNull() is NotFoundException)
        }
    }
}
