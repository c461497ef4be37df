package id.komopay

import id.komopay.ffi.Failure
import id.komopay.ffi.NativeOperations
import id.komopay.ffi.errorKinds
import id.komopay.ffi.run
import java.time.Duration
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
        val operation = NativeOperations.createPayout("A-1", Sandbox.request(), false)
        creating.arguments = operation.arguments
        val handedOver = assertThrows<InternalException> { native(creating) { throw fault } }
        assertEquals(false, handedOver.moneyMayHaveMoved)
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                run(operation, client.core.number(), creating)
                assertThrows<OutcomeUnknownException> { native(creating) { throw fault } }
            }
        }
    }

    @Test
    fun `a text that cannot be sent is refused by name and place, and nothing is sent`() = Sandbox().use { sandbox ->
        val half = "Siti \uD83D"
        val account = BankAccount("Test account", "1")
        val request = Sandbox.request()
        val config = sandbox.config().copy(callbackKeys = listOf("k".repeat(32)))
        BlockingClient(config).use { client ->
            fun pay(request: PayoutRequest): () -> Any = { client.createPayout("A-1", request) }
            val refused = mapOf(
                "payout_id" to listOf({ client.createPayout(half, request) }, { client.getPayout(half) },
                    { client.waitForPayout(half, Duration.ofSeconds(1)) }, { client.acknowledgeChange(half, 1) },
                    { client.issueToken(AccessScope.read(half)) },
                    { client.callbackUrl("https://shop.example", half) }),
                "customer_ip" to listOf(pay(request.copy(customerIp = half))),
                "callback_url" to listOf(pay(request.copy(callbackUrl = half))),
                "method.operator_code" to listOf(pay(request.copy(method = BankTransfer(half, account)))),
                "method.account.name" to
                    listOf(pay(request.copy(method = BankTransfer("B", account.copy(name = half))))),
                "method.account.bank_city" to
                    listOf({ request.copy(method = BankTransfer("B", account.copy(bankCity = half))).validate() }),
                "method.account.number" to listOf(pay(request.copy(method = CryptoTransfer("C", CryptoAccount(half))))),
                "money.amount" to listOf({ Money(half, "IDR") }),
                "money.currency" to listOf({ Money(1, half) }),
                "segment_code" to listOf({ client.payoutOptions(Money(1, "IDR"), half, null) }),
                "operations" to listOf({ client.issueToken(AccessScope.operations(listOf(half))) }),
                "base" to listOf({ client.callbackUrl(half, "A-1") }),
                "stored" to listOf({ request.matchesFingerprint(ByteArray(16), half) }),
            )
            for ((field, calls) in refused) for (call in calls) {
                val error = assertThrows<InvalidRequestException>(field) { call() }
                assertEquals(field, error.field)
                val start = "$field: holds half of a character at index 5 (a lone"
                assertTrue(error.message.startsWith(start), error.message)
                assertEquals(false, "Siti" in error.stackTraceToString())
            }
            // An earlier call may have paid. Not under an id that no call can send.
            val resumed = assertThrows<OutcomeUnknownException> {
                client.createPayout("A-1", request.copy(customerIp = half), true)
            }
            assertEquals(listOf("A-1", "customer_ip", true), resumed.run { listOf(payoutId, field, moneyMayHaveMoved) })
            assertThrows<InvalidRequestException> { client.createPayout(half, request, true) }
            val url = assertThrows<InvalidCallbackException> { client.handleCallback(ByteArray(0), half) }
            assertEquals(listOf("url", 400), listOf(url.field, url.callbackStatus))
        }
        for ((field, settings) in mapOf(
            "base_url" to config.copy(baseUrl = half),
            "merchant_code" to config.copy(credentials = Credentials.merchant(half, "S")),
            "secret" to config.copy(credentials = Credentials.merchant("M", half)),
            "token" to config.copy(credentials = Credentials.token(half)),
            "callback_keys" to config.copy(callbackKeys = listOf(half)),
            "proxy" to config.copy(proxy = half),
        )) {
            val error = assertThrows<ConfigurationException>(field) { Client(settings) }
            assertEquals(listOf(field, Concern.MERCHANT), listOf(error.field, error.concerns))
        }
        assertEquals(0, sandbox.calls("issue_token") + sandbox.calls("create_payout"))
    }

    @Test
    fun `half of a character is found, and a whole one is not`() {
        val found = listOf("", "a\uD83D\uDE00", "\uD83D", "a\uDE00", "\uD83D\uD83D\uDE00").map(::halfIn)
        assertEquals(listOf(null, null, 0, 1, 0), found)
        assertEquals(1, halfIn(listOf("a", "a\uD83D")))
        assertNull(halfIn(null))
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
