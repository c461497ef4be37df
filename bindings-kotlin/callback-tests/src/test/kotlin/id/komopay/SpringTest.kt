package id.komopay

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Path
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** What Spring Boot makes of the properties `komopay.*`, on the oldest and on a new version of it. */
class SpringTest {
    @TempDir
    lateinit var folder: Path
    private val port = Shop.freePort()

    @ParameterizedTest
    @ValueSource(strings = ["oldest", "newest"])
    fun `a platform that is down is told with the kind of the error`(versions: String) {
        Sandbox().use { sandbox ->
            sandbox.breakAll("issue_token", """{"type": "status", "status": 503}""")
            Shop(classPath(versions), "app.SpringApp", sandbox, port, changes(),
                options = mapOf("KOMOPAY_TOTAL_TIMEOUT" to "3s", "KOMOPAY_ATTEMPT_TIMEOUT" to "1s")).use {
                val health = health()
                assertEquals("DOWN", health.text("status"))
                assertEquals("unavailable", health.getValue("details").jsonObject.text("kind"))
                val calls = sandbox.calls("issue_token")
                repeat(5) { assertEquals(health, health()) }
                assertEquals(calls, sandbox.calls("issue_token"), "asked again")
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = ["oldest", "newest"])
    fun `a property that cannot be used ends the start, and is named`(versions: String) {
        val all = mapOf(
            "komopay.total-timeout=0s" to "The property komopay.total-timeout cannot be used: must be at least 1 ms",
            "komopay.secret=" to "The property komopay.secret cannot be used: ",
            "komopay.max-amount.IDR=-1" to "The property komopay.max-amount cannot be used: the ceiling for IDR must",
            "komopay.max-amount.idr=5" to "The property komopay.max-amount.idr cannot be used: ",
            "komopay.change-store=/changes" to "The property komopay.change-store cannot be used: must be sqlite:FILE",
            "komopay.change-store=sqlite:/none/there" to "The property komopay.change-store cannot be used: ",
            "komopay.callback-keys=short" to "The property komopay.callback-keys cannot be used: ",
            "komopay.callback-keys=" to "The property komopay.callback-keys cannot be used: is not set",
            "komopay.pool-size=many" to "Property: komopay.pool-size",
        )
        // How an old version says it is all that may differ there.
        val told = if (versions == "oldest") all.entries.take(2).associate { it.toPair() } else all
        val program = ProcessBuilder(listOf(Shop.JAVA, "-XX:TieredStopAtLevel=1", "app.Starts") + told.keys)
            .redirectErrorStream(true)
        program.environment() += mapOf(
            "CLASSPATH" to classPath(versions), "PORT" to "$port", "KOMOPAY_BASE_URL" to "http://127.0.0.1:1",
            "KOMOPAY_MERCHANT_CODE" to "M", "KOMOPAY_SECRET" to Sandbox.SECRET, "KOMOPAY_CHANGES" to "${changes()}",
            "KOMOPAY_CALLBACK_KEY" to Shop.KEY)
        val process = program.start()
        val output = process.inputStream.bufferedReader().readText()
        assertEquals(0, process.waitFor())
        val starts = output.split("with komopay.").drop(1)
        assertEquals(told.size, starts.size, output)
        for ((words, start) in told.values.zip(starts)) {
            assertTrue("APPLICATION FAILED TO START" in start && "it does not start" in start, start)
            assertTrue(words in start, "$words in $start")
            assertFalse("\tat " in start, start)
        }
        for (secret in listOf(Sandbox.SECRET, Shop.KEY)) assertFalse(secret in output, output)
    }

    @Test
    fun `every setting of a client is a property, with its description`() {
        val metadata = File(System.getProperty("komopay.build"))
            .resolve("spring-boot/classes/META-INF/spring-configuration-metadata.json").readText()
        val properties = Json.parseToJsonElement(metadata).jsonObject.getValue("properties").jsonArray
        val described = properties.filter { "description" in it.jsonObject }.map { it.jsonObject.text("name") }
        assertEquals(properties.size, described.size)
        val settings = Config::class.java.declaredFields.map { it.name }.filter { it != "Companion" } - "credentials"
        val capital = Regex("[A-Z]")
        val expected = settings.map { name -> "komopay." + name.replace(capital) { "-${it.value.lowercase()}" } }
        assertTrue(expected.size > 20)
        assertEquals(listOf<String>(), expected - described.toSet())
    }

    private fun health(): JsonObject {
        val told = Json.parseToJsonElement(get("health")).jsonObject
        return told.getValue("components").jsonObject.getValue("komopay").jsonObject
    }

    private fun get(endpoint: String): String {
        val request = HttpRequest.newBuilder(URI("http://127.0.0.1:$port/actuator/$endpoint")).build()
        return http.send(request, BodyHandlers.ofString()).body()
    }

    private fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content

    private fun changes() = folder.resolve("changes.sqlite").toFile()

    private fun classPath(versions: String): String {
        val built = File(System.getProperty("komopay.build"), "apps/$versions/spring-boot")
        return "${built.resolve("classes")}${File.pathSeparator}${built.resolve("classpath").readText().trim()}"
    }

    private companion object {
        val http: HttpClient = HttpClient.newHttpClient()
    }
}
