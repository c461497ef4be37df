package id.komopay

import com.sun.jna.Native
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
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
        setLogger(LogLevel.ERROR) { _, _ -> }
        sandbox.close()
    }

    @Test
    fun `the log goes as far as its level`() {
        setLogger(LogLevel.DEBUG) { level, text -> events.put(level to text) }
        assertTrue(LogLevel.DEBUG in levels("A-1"))

        setLogger { level, text -> events.put(level to text) }
        assertEquals(setOf(LogLevel.INFO), levels("A-2"))
    }

    @Test
    fun `a logger that throws goes on being told, and what it throws is dropped`() {
        val thrown = CopyOnWriteArrayList<Throwable>()
        val handler = Native.getCallbackExceptionHandler()
        Native.setCallbackExceptionHandler { _, throwable -> thrown += throwable }
        try {
            setLogger { level, text ->
                events.put(level to text)
                throw NotImplementedError("no Exception at all")
            }
            repeat(2) { assertEquals(setOf(LogLevel.INFO), levels("A-$it")) }
        } finally {
            Native.setCallbackExceptionHandler(handler)
        }
        assertEquals(listOf<Throwable>(), thrown)
    }

    /** The levels of what the log says of a call with this id. */
    private fun levels(payoutId: String): Set<LogLevel> {
        read(payoutId)
        // The log keeps the order, so with this one everything of the other has come.
        read("$payoutId-LAST")
        val told = generateSequence { checkNotNull(events.poll(30, TimeUnit.SECONDS)) { "nothing of $payoutId-LAST in the log" } }
            .takeWhile { (_, text) -> "$payoutId-LAST" !in text }
        return told.filter { (_, text) -> payoutId in text }.map { it.first }.toSet()
    }

    private fun read(payoutId: String) = runBlocking {
        Client(sandbox.config()).use { assertTrue(runCatching { it.getPayout(payoutId) }.exceptionOrNull() is NotFoundException) }
    }
}
