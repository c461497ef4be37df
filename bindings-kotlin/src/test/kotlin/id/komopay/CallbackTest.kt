package id.komopay

import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

class CallbackTest {
    private val sandbox = Sandbox()
    private val config = sandbox.config().copy(callbackKeys = listOf(KEY), changeStore = ChangeStore.memory())
    private val client = Client(config)

    @AfterEach
    fun stop() = runBlocking {
        client.close()
        sandbox.close()
    }

    @Test
    fun `a signed URL is of one payout, and what is wrong with a callback is told`() {
        val url = client.callbackUrl("https://shop.example/hook", "A-1")
        assertEquals(Callback("A-1", verified = true), client.readCallback(body("A-1"), url))
        val path = url.removePrefix("https://shop.example")
        assertEquals(Callback("A-1", verified = true), client.readCallback(body("A-1"), path))
        assertEquals(listOf("signature", 403), refusal { client.readCallback(body("A-2"), url) })
        assertEquals(listOf("signature", 403), refusal { client.readCallback(body("A-1"), "/hook") })
        assertEquals(listOf("body", 400), refusal { client.readCallback("no JSON".toByteArray(), url) })
        assertEquals(listOf("body_size", 413), refusal { client.readCallback(ByteArray(10_000_000), url) })
        assertEquals(listOf("url", 400), refusal { client.readCallback(body("A-1"), "/" + "x".repeat(10_000)) })

        val unsigned = Client(sandbox.config())
        assertEquals(Callback("A-1", verified = false), unsigned.readCallback(body("A-1"), "/hook"))
        assertEquals("callback_keys", assertThrows<ConfigurationException> { unsigned.callbackUrl(url, "A-1") }.field)
        val error = assertThrows<ConfigurationException> {
            runBlocking { unsigned.handleCallback(body("A-1"), "/hook") }
        }
        assertEquals(500, error.callbackStatus)
    }

    @Test
    fun `a URL says until when it is good, and where its signature stands`() {
        val later = Instant.now().plusSeconds(60)
        val query = client.callbackUrl("https://shop.example/hook", "A-1", later, SignaturePlace.QUERY)
        assertTrue(query.startsWith("https://shop.example/hook?komopay=1.${later.epochSecond}."), query)
        assertTrue(client.readCallback(body("A-1"), query).verified)
        for (past in listOf(Instant.now().minusSeconds(1), Instant.MIN.plusSeconds(365 * 86_400L * 700_000_000))) {
            val refused =
                assertThrows<InvalidRequestException> { client.callbackUrl("https://shop.example", "A-1", past) }
            assertEquals("expires_at", refused.field)
        }
        assertEquals("callback_url", assertThrows<InvalidRequestException> { client.callbackUrl("shop", "A-1") }.field)
    }

    @Test
    fun `a callback is read from the platform, and its change given once`() = runBlocking {
        client.createPayout("A-1", Sandbox.request())
        sandbox.ledger()
        val url = client.callbackUrl("https://shop.example/hook", "A-1")
        assertEquals(PayoutStatus.Success, client.handleCallback(body("A-1"), url).status)
        assertEquals(PayoutStatus.Success, client.handleCallback(body("A-1"), url).status)
        val change = client.takeChanges(10).single()
        assertEquals(listOf("A-1", 1L, null, false), told(change))
        assertEquals(emptyList<PayoutChange>(), client.takeChanges(10))
        client.acknowledgeChange("A-1", 1)

        sandbox.changeStatus("A-1", "FAILED")
        client.handleCallback(body("A-1"), url)
        val correction = client.takeChanges(10).single()
        assertEquals(listOf("A-1", 2L, PayoutStatus.Success, true), told(correction))
        val shown = correction.toString()
        assertTrue("A-1" in shown && correction.payout.raw !in shown, shown)

        assertEquals("limit", assertThrows<InvalidRequestException> { runBlocking { client.takeChanges(-1) } }.field)
        val negative = assertThrows<InvalidRequestException> { runBlocking { client.acknowledgeChange("A-1", -1) } }
        assertEquals("sequence", negative.field)
    }

    @Test
    fun `a forged callback makes no read`() = runBlocking {
        client.createPayout("A-1", Sandbox.request())
        val before = sandbox.calls("get_payout")
        val url = "/hook/1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ"
        val forged = refusal { runBlocking { client.handleCallback(body("A-1"), url) } }
        assertEquals(listOf("signature", 403), forged)
        assertEquals(before, sandbox.calls("get_payout"))
    }

    @Test
    fun `a payout that the platform does not show yet is asked about again`() = runBlocking {
        val error = assertThrows<KomopayException> {
            runBlocking { client.handleCallback(body("A-9"), client.callbackUrl("https://shop.example", "A-9")) }
        }
        assertEquals(503, error.callbackStatus, "$error")
    }

    @Test
    fun `changes in a file outlive the client`(@TempDir folder: Path) = runBlocking {
        val store = ChangeStore.sqlite("$folder/changes.sqlite")
        val kept = config.copy(changeStore = store, changeLease = Duration.ofMillis(1))
        Client(kept).use { shop ->
            shop.createPayout("A-1", Sandbox.request())
            shop.waitForPayout("A-1", Duration.ofSeconds(30))
            assertEquals("A-1", shop.takeChanges(1).single().payoutId)
        }
        Client(kept).use { shop ->
            // The lease of who took it has ended, or ends at once.
            val change = generateSequence { runBlocking { shop.takeChanges(1) } }.first { it.isNotEmpty() }.single()
            shop.acknowledgeChange(change.payoutId, change.sequence)
        }
        Client(kept).use { shop -> assertEquals(emptyList<PayoutChange>(), shop.takeChanges(1)) }
    }

    @Test
    fun `settings that cannot be used are named`(@TempDir folder: Path) {
        val store = ChangeStore.sqlite("$folder/no/such/folder")
        for ((field, bad) in mapOf(
            "callback_keys" to config.copy(callbackKeys = listOf("short")),
            "change_store" to config.copy(changeStore = store),
            "change_lease" to config.copy(changeLease = Duration.ZERO),
        )) {
            assertEquals(field, assertThrows<ConfigurationException> { Client(bad) }.field)
        }
        // To show the settings opens no file.
        assertFalse("no/such" in config.copy(changeStore = store).toString())
    }

    @Test
    fun `an adapter is refused a client without keys or a store when it is made`() {
        for ((field, incomplete) in mapOf(
            "callback_keys" to config.copy(callbackKeys = listOf()),
            "change_store" to config.copy(changeStore = null),
        )) {
            val missing = assertThrows<ConfigurationException> { PayoutCallbacks(Client(incomplete)) {} }
            assertEquals(field, missing.field)
            val blocking = assertThrows<ConfigurationException> {
                BlockingPayoutCallbacks(BlockingClient(incomplete), {})
            }
            assertEquals(field, blocking.field)
        }
    }

    @Test
    fun `a change whose handler fails is given again, and those of other payouts are not held up`() = runBlocking {
        val (tries, told, handled) = Triple(AtomicInteger(), Channel<String>(10), Channel<String>(10))
        Client(config.copy(changeLease = Duration.ofMillis(50))).use { shop ->
            val callbacks = PayoutCallbacks(shop, Duration.ofMillis(10), { text, _ -> told.trySend(text) }) { change ->
                if (change.payoutId == "A-1" && tries.incrementAndGet() == 1) error("the database is away")
                handled.send(change.payoutId)
            }
            callbacks.use {
                for (id in listOf("A-1", "A-2")) {
                    shop.createPayout(id, Sandbox.request())
                    sandbox.ledger()
                    assertEquals(200, callbacks.receive(body(id), shop.callbackUrl("https://shop.example", id)))
                }
                assertEquals(setOf("A-1", "A-2"), setOf(handled.receive(), handled.receive()))
            }
        }
        assertEquals(2, tries.get())
        assertEquals("change 1 of payout A-1 is given again after the lease", told.receive())
    }

    @Test
    fun `closing waits for the handler, and what it handled is never given again`(@TempDir folder: Path) = runBlocking {
        val store = ChangeStore.sqlite("$folder/changes.sqlite")
        val kept = config.copy(changeStore = store, changeLease = Duration.ofMillis(1))
        val (entered, closing) = CompletableDeferred<Unit>() to CompletableDeferred<Unit>()
        Client(kept).use { shop ->
            shop.createPayout("A-1", Sandbox.request())
            shop.waitForPayout("A-1", Duration.ofSeconds(30))
            val callbacks = PayoutCallbacks(shop) {
                entered.complete(Unit)
                closing.await()
            }
            entered.await()
            val closer = kotlin.concurrent.thread { callbacks.close() }
            closing.complete(Unit)
            closer.join()
        }
        Client(kept).use { shop -> assertEquals(emptyList<PayoutChange>(), shop.takeChanges(1)) }
    }

    private fun refusal(call: () -> Any): List<Any?> =
        assertThrows<InvalidCallbackException> { call() }.run { listOf(field, callbackStatus) }

    private fun told(change: PayoutChange): List<Any?> =
        change.run { listOf(payoutId, sequence, previousStatus, isCorrection) }

    private companion object {
        const val KEY = "canary-key-0d81f2c4-7a3e-4b9c-9d55"

        fun body(payoutId: String) = """{"idEntity": "$payoutId"}""".toByteArray()
    }
}
