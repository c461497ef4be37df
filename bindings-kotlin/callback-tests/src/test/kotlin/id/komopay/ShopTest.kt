package id.komopay

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandlers
import kotlin.io.path.createTempDirectory
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance

class KtorShopTest : ShopTest("ktor", "example.KtorShopKt")

class SpringShopTest : ShopTest("spring-boot", "example.SpringShop") {
    override val order = """{"amount": "10000", "currency": "IDR"}"""

    @Test
    fun `it takes and tells the values of the SDK as JSON`() {
        pay("J-1")
        val told = get("J-1").body()
        for (field in listOf("\"payout_id\":\"J-1\"", "\"status\":\"SUCCESS\"", "\"amount\":\"10000\"")) {
            assertTrue(field in told, told)
        }
        val missing = get("J-2")
        assertEquals(422, missing.statusCode())
        assertTrue("\"kind\":\"not_found\"" in missing.body(), missing.body())
    }
}

/** The examples, called by the sandbox as by the platform, and by who is not the platform. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ShopTest(name: String, main: String) {
    private val folder: File = createTempDirectory("shop").toFile()
    private val port = Shop.freePort()
    private val sandbox = Sandbox("--forge-to-port", "$port")
    private val shop = Shop(Shop.example(name), main, sandbox, port, folder.resolve("changes.sqlite"))
    private val signer = Client(sandbox.config().copy(callbackKeys = listOf(Shop.KEY)))
    private val route = "http://127.0.0.1:${shop.port}/komopay"

    @AfterAll
    fun stop() {
        shop.close()
        sandbox.close()
        folder.deleteRecursively()
    }

    @Test
    fun `a change is handled once, however often it is told`() {
        sandbox.breakNextCallback("""{"type": "duplicate", "copies": 3}""")
        pay("A-1")
        assertEquals(List(4) { "A-1 200" }, sandbox.deliveries().filter { it.startsWith("A-1") })
        assertEquals("A-1 change 1: SUCCESS", shop.next())
        sandbox.changeStatus("A-1", "FAILED")
        assertEquals("A-1 change 2: FAILED", shop.next())
        pay("A-2")
        assertEquals("A-2 change 1: SUCCESS", shop.next())
        assertEquals(listOf("A-2 200"), sandbox.deliveries().filter { it.startsWith("A-2") })
    }

    @Test
    fun `a forged callback is refused, and nothing is read for it`() {
        val before = sandbox.calls("get_payout")
        assertEquals("403", sandbox.forge("F-1", route))
        assertEquals("403", sandbox.forge("F-1", "$route/1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ"))
        assertEquals("403", sandbox.forge("F-1", signer.callbackUrl(route, "F-2")))
        assertEquals("403", sandbox.forge("F-1", "$route/?komopay=1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ"))
        assertEquals(400, post(signer.callbackUrl(route, "F-1"), "no JSON"))
        assertEquals(before, sandbox.calls("get_payout"))
        assertTrue(http.send(request(route).GET().build(), BodyHandlers.discarding()).statusCode() in 404..405)
    }

    @Test
    fun `a signature in the query is as good as one in the path`() {
        val url = signer.callbackUrl(route, "Q-1", place = SignaturePlace.QUERY)
        // It is believed, and the platform knows no such payout yet.
        assertEquals(503, post(url, """{"idEntity": "Q-1"}"""))
    }

    @Test
    fun `a body of 10 MB is refused, and not read`() {
        val path = URI(signer.callbackUrl(route, "L-1")).path
        // No byte of it is sent, and it need not be.
        assertEquals("HTTP/1.1 413", answer("POST $path HTTP/1.1\r\nHost: shop\r\nContent-Length: 10000000\r\n\r\n"))
        // It does not say how long it is, and does not end.
        val head = "POST $path HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
        val chunk = "8000\r\n${"x".repeat(0x8000)}\r\n"
        assertEquals("HTTP/1.1 413", answer(head + chunk.repeat(3)))
    }

    /** The beginning of the answer to what was sent. */
    private fun answer(sent: String): String = shop.connect().use { socket ->
        socket.soTimeout = 60_000
        socket.getOutputStream().write(sent.toByteArray())
        String(socket.getInputStream().readNBytes("HTTP/1.1 413".length))
    }

    /** What the shop wants to be told of a payout. */
    protected open val order = ""

    protected fun pay(payoutId: String): Unit = assertEquals(200, post(payout(payoutId), order))

    protected fun get(payoutId: String): HttpResponse<String> =
        http.send(request(payout(payoutId)).build(), BodyHandlers.ofString())

    private fun payout(id: String) = "http://127.0.0.1:${shop.port}/payouts/$id"

    private fun post(url: String, body: String): Int {
        val request = request(url).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body))
        return http.send(request.build(), BodyHandlers.discarding()).statusCode()
    }

    private fun request(url: String) = HttpRequest.newBuilder(URI(url))

    private companion object {
        val http: HttpClient = HttpClient.newHttpClient()
    }
}
