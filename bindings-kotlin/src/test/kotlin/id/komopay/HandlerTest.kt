package id.komopay

import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.Flow
import java.util.concurrent.FutureTask
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** The work of a handler is acknowledged when it has run to its end, and the worker outlives whatever it does. */
class HandlerTest {
    private val sandbox = Sandbox()
    private val config = sandbox.config().copy(
        callbackKeys = listOf(KEY), changeStore = ChangeStore.memory(), changeLease = Duration.ofMillis(50))
    private val client = Client(config)
    private val told = LinkedBlockingQueue<String>()
    private val handled = LinkedBlockingQueue<String>()
    private val onFailure = FailureListener { text, _ -> told.add(text) }

    @AfterEach
    fun stop() = runBlocking {
        client.close()
        sandbox.close()
    }

    @Test
    fun `what does not run to its end is not acknowledged, and the worker goes on`() = runBlocking {
        val gone = CoroutineScope(Job().apply { cancel() })
        val ways: List<suspend () -> Any?> = listOf(
            { error("the database is away") },
            { throw StackOverflowError() },
            { throw NoClassDefFoundError("com/example/Missing") },
            { throw OutOfMemoryError() },
            { throw CancellationException("left") },
            { throw InterruptedException() },
            { withTimeout(1) { awaitCancellation() } },
            { currentCoroutineContext().cancel() },
            { gone.async { } },
            { CompletableDeferred<Unit>().apply { completeExceptionally(IllegalStateException()) } },
            { Job().apply { cancel() } },
            { CompletableFuture.supplyAsync<Unit> { error("the database is away") } },
            { CompletableFuture<Unit>().apply { cancel(true) } },
            // Nobody runs these.
            { flow<Unit> { error("it ran") } },
            { Flow.Publisher<Unit> { error("it ran") } },
            { FutureTask { error("it ran") } },
        )
        val tries = ConcurrentHashMap<String, Int>()
        PayoutCallbacks(client, POLL, onFailure) { change ->
            val first = tries.merge(change.payoutId, 1, Int::plus) == 1
            if (first) ways[change.payoutId.removePrefix("W-").toInt()]() else handled.add(change.payoutId)
        }.use { callbacks -> expectASecondTry(ways.size, tries) { id, url -> callbacks.receive(body(id), url) } }
    }

    @Test
    fun `a handler that blocks may throw and interrupt what it likes, too`() {
        val ways: List<() -> Unit> = listOf(
            { error("the database is away") },
            { throw StackOverflowError() },
            { throw InterruptedException() },
            { throw CancellationException("left") },
            { Thread.currentThread().interrupt(); Thread.sleep(1) },
            { Thread.currentThread().interrupt(); error("the database is away") },
        )
        val tries = ConcurrentHashMap<String, Int>()
        BlockingClient(config).use { shop ->
            val handler = ChangeHandler { change ->
                val first = tries.merge(change.payoutId, 1, Int::plus) == 1
                assertTrue(!Thread.currentThread().isInterrupted)
                if (first) ways[change.payoutId.removePrefix("W-").toInt()]() else handled.add(change.payoutId)
            }
            BlockingPayoutCallbacks(shop, handler, POLL, onFailure).use { callbacks ->
                expectASecondTry(ways.size, tries) { id, url -> callbacks.receive(body(id), url) }
            }
        }
    }

    @Test
    fun `what a handler leaves to be done is done before its change is acknowledged`() = runBlocking {
        val (begun, done) = CompletableDeferred<Unit>() to CompletableFuture<Unit>()
        val callbacks = PayoutCallbacks(client, POLL, onFailure) {
            begun.complete(Unit)
            done
        }
        assertEquals(200, callbacks.receive(body("A-1"), pay("A-1")))
        begun.await()
        val closer = CompletableFuture.runAsync(callbacks::close)
        // It is given to nobody else while it is leased, and again after that: so it was not acknowledged.
        val again = generateSequence { runBlocking { client.takeChanges(1) } }.first { it.isNotEmpty() }.single()
        assertEquals("A-1", again.payoutId)
        done.complete(Unit)
        closer.join()
        assertEquals(listOf<String>(), told.toList())
    }

    @Test
    fun `a worker whose client is closed ends with one record, and answers no callback with 200`() = runBlocking<Unit> {
        val callbacks = PayoutCallbacks(client, POLL, onFailure) { }
        val url = pay("A-1")
        client.close()
        assertEquals("no changes are handled any more: they stay in the store", told.poll(60, TimeUnit.SECONDS))
        assertEquals(503, callbacks.receive(body("A-1"), url))
        callbacks.close()
        assertEquals(listOf<String>(), told.toList())
        assertThrows<ClosedException> { PayoutCallbacks(client) { } }
    }

    @Test
    fun `what was closed takes no more callbacks, and another one goes on with the changes`() = runBlocking {
        val url = pay("A-1")
        repeat(2) { PayoutCallbacks(client, POLL, onFailure) { }.close() }
        val closed = PayoutCallbacks(client, POLL, onFailure) { }.apply { close() }
        val before = sandbox.calls("get_payout")
        assertEquals(503, closed.receive(body("A-1"), url))
        assertEquals(before, sandbox.calls("get_payout"))
        PayoutCallbacks(client, POLL, onFailure) { handled.add(it.payoutId) }.use { callbacks ->
            assertEquals(200, callbacks.receive(body("A-1"), url))
            assertEquals("A-1", handled.poll(60, TimeUnit.SECONDS))
        }
    }

    @Test
    fun `a callback that is refused is not told by each adapter in its own way`() = runBlocking {
        PayoutCallbacks(client, POLL, onFailure) { }.use { assertEquals(403, it.receive(body("A-1"), "/hook")) }
        assertEquals(listOf<String>(), told.toList())
    }

    @Test
    fun `who has a URL cannot fill the log while the platform cannot be read`() = runBlocking {
        val url = pay("A-1")
        sandbox.close()
        val hasty = config.copy(callbackTimeout = Duration.ofMillis(200), attemptTimeout = Duration.ofMillis(100))
        Client(hasty).use { shop ->
            PayoutCallbacks(shop, POLL, onFailure) { }.use { callbacks ->
                repeat(20) { assertEquals(503, callbacks.receive(body("A-1"), url)) }
            }
        }
        assertEquals(listOf("a callback is answered with 503"), told.toList())
    }

    @Test
    fun `what was not told is told as a number a minute later`() {
        var now = Long.MAX_VALUE - 1
        val seldom = OnceAMinute { now }
        assertEquals(listOf("", null, null), List(3) { seldom.take() })
        now += 59_999_999_999
        assertEquals(null, seldom.take())
        now += 1
        assertEquals(listOf("; 3 more were not told before this one", null), List(2) { seldom.take() })
        now += 60_000_000_000
        assertEquals("; 1 more were not told before this one", seldom.take())
        now += 60_000_000_000
        assertEquals("", seldom.take())
    }

    /** Each payout is handled at the second try, and its first one was told. */
    private fun expectASecondTry(
        count: Int,
        tries: Map<String, Int>,
        receive: suspend (String, String) -> Int,
    ) = runBlocking {
        val ids = List(count) { "W-$it" }
        for (id in ids) assertEquals(200, receive(id, pay(id)))
        assertEquals(ids.toSet(), List(count) { handled.poll(60, TimeUnit.SECONDS) }.toSet())
        assertEquals(ids.associateWith { 2 }, tries)
        assertEquals(ids.map { "change 1 of payout $it is given again after the lease" }.toSet(), told.toSet())
        assertEquals(count, told.size)
    }

    /** A payout whose callback comes by this URL. */
    private suspend fun pay(id: String): String {
        client.createPayout(id, Sandbox.request())
        sandbox.ledger()
        return client.callbackUrl("https://shop.example", id)
    }

    private companion object {
        const val KEY = "canary-key-0d81f2c4-7a3e-4b9c-9d55"
        val POLL: Duration = Duration.ofMillis(10)

        fun body(payoutId: String) = """{"idEntity": "$payoutId"}""".toByteArray()
    }
}
