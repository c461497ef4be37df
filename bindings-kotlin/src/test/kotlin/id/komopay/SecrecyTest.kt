package id.komopay

import java.io.Serializable
import java.time.Duration
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SecrecyTest {
    @Test
    fun `nothing shows a secret, a token or an account number`() {
        val request = Sandbox.request()
        val merchant = Credentials.merchant("M", Sandbox.SECRET)
        val token = Credentials.token(TOKEN)
        val config = Config("http://127.0.0.1:1", merchant, maxAmount = listOf(Money(1, "IDR")))
        val signing = config.copy(callbackKeys = listOf(Sandbox.SECRET.repeat(2)))
        val shown = listOf(
            request, request.copy(callbackUrl = "https://callback.example.com"), request.method,
            (request.method as BankTransfer).account, mapOf("request" to request), Pair(request, request),
            CryptoTransfer("CHAIN", CryptoAccount(Sandbox.ACCOUNT)),
            WalletTransfer(WalletAccount(number = Sandbox.ACCOUNT)),
            id.komopay.ffi.IssuedToken(TOKEN, null), merchant, token, Credentials.provider { TOKEN },
            config, config.copy(credentials = token), signing, Client(signing),
            runCatching { Client(config.copy(callbackKeys = listOf(Sandbox.SECRET))) },
            Client(config), BlockingClient(config),
            runCatching { Client(config.copy(baseUrl = "https://gateway.invalid", proxy = "no proxy")) },
        ).map { it.toString() }
        for (text in shown) {
            for (hidden in listOf(Sandbox.SECRET, TOKEN, Sandbox.ACCOUNT, "Test account")) {
                assertFalse(hidden in text, text)
            }
        }
        assertTrue(shown.all { it.isNotEmpty() })
    }

    @Test
    fun `a request shows neither the customer's address nor the signature of its callback URL`() {
        val signature = "1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ"
        for (url in listOf("https://shop.example/hook/$signature", "https://shop.example/hook?komopay=$signature")) {
            val shown = Sandbox.request().copy(callbackUrl = url, customerIp = "203.0.113.7").toString()
            assertTrue("https://shop.example/hook" in shown, shown)
            assertFalse("7uCei" in shown || "203.0" in shown, shown)
        }
    }

    @Test
    fun `a text that is half of a surrogate pair does not keep a value from showing itself`() {
        val account = BankAccount("Siti \uD800", Sandbox.ACCOUNT)
        val values = listOf(
            account, BankTransfer("BNK_000", account), CryptoTransfer("C", CryptoAccount("\uDFFF")),
            WalletAccount("\uD800"),
            Sandbox.request().copy(segmentCode = "\uD800"),
            Config("http://127.0.0.1:1/\uD800", Credentials.merchant("M", Sandbox.SECRET)),
        )
        for (value in values) {
            val shown = value.toString()
            assertTrue(value.javaClass.simpleName in shown, shown)
            assertFalse(Sandbox.SECRET in shown || Sandbox.ACCOUNT in shown, shown)
        }
    }

    @Test
    fun `a client shows where the platform is, and no more`() {
        val config = Config("http://127.0.0.1:1", Credentials.merchant("M", Sandbox.SECRET))
        assertEquals("Client(http://127.0.0.1:1)", Client(config).toString())
        assertEquals("BlockingClient(http://127.0.0.1:1)", BlockingClient(config).toString())
    }

    @Test
    fun `an issued token shows itself only where it is asked to`() = runBlocking {
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                val token = client.issueToken(AccessScope.read("A-1"), Duration.ofSeconds(60))
                assertTrue(token.expose().count { it == '.' } == 2)
                assertEquals("AccessToken(expiresAt=${token.expiresAt})", token.toString())
                assertFalse(Serializable::class.java.isInstance(token))
            }
        }
    }

    private companion object {
        /** It begins as a canary. */
        const val TOKEN = "eyJ0eXAiOiJKV1Qi.e30.c2lnbmF0dXJl"
    }
}
