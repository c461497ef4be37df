package id.komopay

import ch.qos.logback.classic.Level
import ch.qos.logback.classic.Logger as Logback
import ch.qos.logback.classic.spi.ILoggingEvent
import ch.qos.logback.core.AppenderBase
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.slf4j.LoggerFactory
import org.slf4j.MDC

/** The log in SLF4J, as it is where the application said nothing else. With Logback, which most applications have. */
class Slf4jTest {
    private val sandbox = Sandbox()
    private val logger = LoggerFactory.getLogger("id.komopay") as Logback
    private val told = CopyOnWriteArrayList<ILoggingEvent>()
    private val appender = object : AppenderBase<ILoggingEvent>() {
        override fun append(event: ILoggingEvent) {
            // Now: later, the MDC is another one.
            event.mdcPropertyMap
            told += event
        }
    }

    @BeforeEach
    fun listen() {
        appender.start()
        logger.addAppender(appender)
        logger.level = Level.DEBUG
        // Another test may have said that the log goes elsewhere.
        setLogger(logger = Slf4jLogger())
    }

    @AfterEach
    fun stop() {
        logger.detachAppender(appender)
        logger.level = null
        MDC.clear()
        sandbox.close()
    }

    @Test
    fun `a record has its facts in the MDC, beside what the caller has there, and leaves it as it was`() {
        MDC.put("request", "request-1")
        MDC.put("attempt", "the application's own")
        val before = MDC.getCopyOfContextMap()
        pay("A-1")
        assertEquals(before, MDC.getCopyOfContextMap())

        val sent = told.first { it.mdcPropertyMap["http_status"] == "201" }
        assertEquals(Level.DEBUG, sent.level)
        assertEquals(Thread.currentThread().name, sent.threadName)
        val facts = sent.mdcPropertyMap
        assertEquals(listOf("A-1", "2", "request-1"), listOf("payout_id", "attempt", "request").map { facts[it] })
        assertTrue(facts.getValue("duration_ms").toLong() >= 0)
        val withoutAttempt = told.filter { " attempt=" !in it.formattedMessage }
        assertTrue(withoutAttempt.all { it.mdcPropertyMap["attempt"] == "the application's own" })
    }

    @Test
    fun `an answer is told with the platform's id of its request, if it has one`() {
        val refused = """{"type": "answer", "status": 403, "headers": {"X-Request-Id": "req-42"}, "body": "{}",
            "execute": false}"""
        sandbox.breakNext("create_payout", refused)
        assertTrue(runCatching { pay("A-1") }.isFailure)
        val (answer, others) = told.partition { it.mdcPropertyMap["http_status"] == "403" }
        assertEquals("req-42", answer.single().mdcPropertyMap["request_id"])
        assertTrue(others.none { "request_id" in it.mdcPropertyMap })
        assertEquals(null, MDC.get("request_id"))
    }

    @Test
    fun `a failure is told with its kind`() {
        val rejected = """{"type": "rejected", "code": "BALANCE_INSUFFICIENT", "uses_id_up": false}"""
        sandbox.breakNext("create_payout", rejected)
        assertTrue(runCatching { pay("A-1") }.exceptionOrNull() is RejectedException)
        assertTrue(told.any { it.mdcPropertyMap["payout_id"] == "A-1" && it.mdcPropertyMap["http_status"] == "406" })
        sandbox.breakNext("create_payout", """{"type": "execute_then_close"}""")
        pay("A-2")
        val warned = told.single { it.level == Level.WARN }
        assertEquals(listOf("A-2", "unavailable"), listOf("payout_id", "kind").map { warned.mdcPropertyMap[it] })
    }

    @Test
    fun `a level that changes while a client lives counts from the next call on`() {
        BlockingClient(sandbox.config()).use { client ->
            fun levels(id: String): Set<Level> {
                told.clear()
                sandbox.breakNext("create_payout", """{"type": "execute_then_close"}""")
                client.createPayout(id, Sandbox.request())
                return told.map { it.level }.toSet()
            }
            assertEquals(setOf(Level.DEBUG, Level.WARN), levels("A-1"))
            logger.level = Level.WARN
            assertEquals(setOf(Level.WARN), levels("A-2"))
            logger.level = Level.OFF
            assertEquals(setOf<Level>(), levels("A-3"))
            assertFalse(isHeard)
            logger.level = Level.DEBUG
            assertEquals(setOf(Level.DEBUG, Level.WARN), levels("A-4"))
        }
    }

    @Test
    fun `a coroutine is told with the MDC that its context has`() = runBlocking {
        Client(sandbox.config()).use { client ->
            withContext(Dispatchers.Default + MdcOf("request-7")) { client.createPayout("A-1", Sandbox.request()) }
        }
        val of = told.filter { it.mdcPropertyMap["payout_id"] == "A-1" }
        assertEquals(setOf("request-7"), of.map { it.mdcPropertyMap["request"] }.toSet())
    }

    @Test
    fun `a logger that is broken keeps nobody from paying`() {
        setLogger(logger = object : LeveledLogger {
            override val level: LogLevel get() = error("no level")

            override fun log(record: LogRecord) = error("no log")
        })
        pay("A-1")
        assertEquals("executed A-1 10000 IDR", sandbox.ledger().first())
    }

    private fun pay(id: String) =
        BlockingClient(sandbox.config()).use { it.createPayout(id, Sandbox.request()) }

    /** As kotlinx-coroutines-slf4j has it. */
    private class MdcOf(private val request: String) :
        AbstractCoroutineContextElement(Key), ThreadContextElement<String?> {
        override fun updateThreadContext(context: CoroutineContext): String? =
            MDC.get("request").also { MDC.put("request", request) }

        override fun restoreThreadContext(context: CoroutineContext, oldState: String?) =
            if (oldState == null) MDC.remove("request") else MDC.put("request", oldState)

        companion object Key : CoroutineContext.Key<MdcOf>
    }
}
