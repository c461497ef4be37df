package id.komopay

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility
import com.fasterxml.jackson.annotation.PropertyAccessor
import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.json.JsonMapper
import com.fasterxml.jackson.module.kotlin.KotlinModule
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Applications hand whole objects to Jackson, in logs and in answers: no value of ours gives away what it must not. */
class JacksonTest {
    private val signature = "1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ"
    private val bank = BankTransfer("BNK_000", BankAccount(NAME, Sandbox.ACCOUNT), emailAddress = "$NAME@example.com")
    private val request = PayoutRequest(
        Money("1", "IDR"), bank, callbackUrl = "https://shop.example/$signature", customerIp = "203.0.113.7")
    private val config = Config(
        "http://127.0.0.1:1", Credentials.merchant("M", Sandbox.SECRET),
        callbackKeys = listOf(Sandbox.SECRET.repeat(2)), proxy = "http://user:${Sandbox.SECRET}@127.0.0.1:2")
    private val secrets = listOf(Sandbox.SECRET, Sandbox.ACCOUNT, NAME, "7uCei", "203.0.113")
    private val values = listOf(
        request, bank, bank.account,
        CryptoTransfer("C", CryptoAccount(Sandbox.ACCOUNT)), CryptoAccount(Sandbox.ACCOUNT),
        WalletTransfer(WalletAccount(NAME, Sandbox.ACCOUNT), phoneNumber = Sandbox.ACCOUNT),
        WalletAccount(NAME, Sandbox.ACCOUNT), config, config.credentials, Credentials.token(Sandbox.SECRET),
        Credentials.provider { Sandbox.SECRET },
    )

    @Test
    fun `no value shows a secret, a token, an account or a person to Jackson`() = runBlocking {
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                val token = client.issueToken(AccessScope.read("A-1"))
                for (value in values + token + client + BlockingClient(sandbox.config())) {
                    for ((mapper, print) in mappers) for (shown in listOf(value, mapOf("it" to value), listOf(value))) {
                        // It may refuse, too.
                        val text = runCatching { print(shown) }.getOrElse { it.toString() }
                        for (hidden in secrets + token.expose()) {
                            assertFalse(hidden in text, "$mapper shows $hidden of ${value.javaClass}: $text")
                        }
                    }
                }
            }
        }
    }

    @Test
    fun `what is no secret can be printed`() = runBlocking {
        Sandbox().use { sandbox ->
            Client(sandbox.config()).use { client ->
                client.createPayout("A-1", request.copy(callbackUrl = null))
                val payout = client.getPayout("A-1")
                val text = tools.jackson.databind.json.JsonMapper().writeValueAsString(payout)
                assertTrue("\"payoutId\":\"A-1\"" in text, text)
            }
        }
    }

    private val mappers: Map<String, (Any) -> String> = run {
        val two = listOf(
            "Jackson 2" to ObjectMapper(),
            "Jackson 2 with Kotlin" to JsonMapper.builder().addModule(KotlinModule.Builder().build()).build(),
            "Jackson 2 with fields" to ObjectMapper().setVisibility(PropertyAccessor.FIELD, Visibility.ANY),
            "Jackson 2 with everything" to ObjectMapper().setVisibility(PropertyAccessor.ALL, Visibility.ANY),
        ).associate { (name, mapper) -> name to { value: Any -> mapper.writeValueAsString(value) } }
        val plain = tools.jackson.databind.json.JsonMapper()
        val kotlin = tools.jackson.databind.json.JsonMapper.builder()
            .addModule(tools.jackson.module.kotlin.KotlinModule.Builder().build()).build()
        two + mapOf("Jackson 3" to plain::writeValueAsString, "Jackson 3 with Kotlin" to kotlin::writeValueAsString)
    }

    private companion object {
        const val NAME = "Rahmawati"
    }
}
