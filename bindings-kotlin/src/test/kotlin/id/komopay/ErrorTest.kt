package id.komopay

import id.komopay.ffi.Failure
import id.komopay.ffi.errorKinds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class ErrorTest {
    @Test
    fun `every kind of the table has its own exception, named after it`() {
        val table = errorKinds()
        assertEquals(ErrorKind.values().toList(), table)
        for (kind in table) {
            val error = failure(kind).exception()
            assertEquals(kind.code().split('_').joinToString("") { it.replaceFirstChar(Char::uppercase) } + "Exception",
                error.javaClass.simpleName)
            assertEquals(kind, error.kind)
            assertEquals(kind.retryable(), error.retryable, kind.code())
            assertEquals(kind.moneyMayHaveMoved(), error.moneyMayHaveMoved, kind.code())
        }
        assertEquals(table.size, KomopayException::class.sealedSubclasses.size)
    }

    @Test
    fun `the errors behind an error are its causes, the nearest first`() {
        val causes = listOf(failure(ErrorKind.TIMED_OUT), failure(ErrorKind.UNAVAILABLE))
        val error = failure(ErrorKind.OUTCOME_UNKNOWN, causes).exception()
        assertEquals("OutcomeUnknownException", error.javaClass.simpleName)
        assertEquals(ErrorKind.TIMED_OUT, error.cause?.kind)
        assertEquals(ErrorKind.UNAVAILABLE, error.cause?.cause?.kind)
        assertNull(error.cause?.cause?.cause)
    }

    @Test
    fun `a fault of the binding is internal, and in a create the outcome is not known`() {
        val fault = UnsatisfiedLinkError("holds ${Sandbox.SECRET}")
        val internal = assertThrows<InternalException> { native { throw fault } }
        assertEquals("a fault of the komopay SDK: java.lang.UnsatisfiedLinkError", internal.message)
        assertEquals(fault.stackTrace.toList(), internal.stackTrace.toList())

        val resumed = Creating("A-1", resume = true)
        val unknown = assertThrows<OutcomeUnknownException> { native(resumed) { throw fault } }
        assertEquals("A-1", unknown.payoutId)
        assertEquals(false, Sandbox.SECRET in unknown.stackTraceToString())
    }

    @Test
    fun `a fault before the core has begun with a create says that nothing was sent`() = runBlocking<Unit> {
        val fault = NoSuchMethodError("holds ${Sandbox.SECRET}")
        val before = assertThrows<InternalException> { native(Creating("A-1", resume = false)) { throw fault } }
        assertEquals(listOf("A-1", false), listOf(before.payoutId, before.moneyMayHaveMoved))
        assertTrue(before.message.startsWith("payout A-1 was not sent: "), before.message)
        assertEquals(false, Sandbox.SECRET in before.stackTraceToString())

        val creating = Creating("A-1", resume = false)
        val handedOver = assertThrows<InternalException> { native(creating) { creating.handOver(null); throw fault } }
        assertEquals(false, handedOver.moneyMayHaveMoved)
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                client.core.createPayout("A-1", Sandbox.request(), false, creating.handOver(null))
                assertThrows<OutcomeUnknownException> { native(creating) { throw fault } }
            }
        }
        creating.close()
    }

    @Test
    fun `a cancellation and an exception of ours pass as they are`() {
        for (thrown in listOf(CancellationException("left"), failure(ErrorKind.CLOSED).exception())) {
            assertSame(thrown, assertThrows<Exception> { native(Creating("A-1", resume = false)) { throw thrown } })
        }
    }

    private fun failure(kind: ErrorKind, causes: List<Failure> = emptyList()) =
        Failure(kind, kind.code(), null, null, emptyList(), null, emptyList(), null, null, causes)
}
