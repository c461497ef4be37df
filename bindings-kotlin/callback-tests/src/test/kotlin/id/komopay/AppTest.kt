package id.komopay

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

/** The adapters in applications with the usual plugins and filters: each started, called and stopped twice. */
class AppTest {
    @TempDir
    lateinit var folder: Path
    private val port = Shop.freePort()
    private val url = "http://127.0.0.1:$port"

    @ParameterizedTest
    @CsvSource(
        "oldest, ktor, app.KtorAppKt", "newest, ktor, app.KtorAppKt",
        "oldest, spring-boot, app.SpringApp", "newest, spring-boot, app.SpringApp",
    )
    fun `it works in applications, also when they start again`(versions: String, framework: String, main: String) {
        val built = File(System.getProperty("komopay.build"), "apps/$versions/$framework")
        val path = "${built.resolve("classes")}${File.pathSeparator}${built.resolve("classpath").readText().trim()}"
        // The oldest with the JVM of the tests, and the newest with the newest that there is.
        val java = if (versions == "newest") newestJava() else Shop.JAVA
        Sandbox().use { sandbox ->
            Shop(path, main, sandbox, port, folder.resolve("changes.sqlite").toFile(), java).use { app ->
                calls(app, sandbox, "A-1")
                app.tell("again")
                assertEquals("server started again", app.next())
                calls(app, sandbox, "A-2")
                if (framework == "spring-boot") {
                    endpoints(sandbox)
                    // By the SDK's module for Jackson: as a bean it would be a number.
                    assertEquals("""{"amount":"42.50","currency":"XTS"}""", get("money"))
                }
            }
            assertEquals(List(2) { "A-${it + 1} 200" }, sandbox.deliveries())
            // What is paid while Spring ends what it has begun, after SIGTERM.
            val last = sandbox.ledger().filter { it == "executed LAST-1 10000 IDR" }
            assertEquals(if (framework == "spring-boot") 1 else 0, last.size)
        }
    }

    private fun calls(app: Shop, sandbox: Sandbox, id: String) = runBlocking {
        Client(sandbox.config().copy(callbackKeys = listOf(Shop.KEY))).use { client ->
            // First, since an application needs time for its first request, and the platform does not wait for ever.
            val body = """{"idEntity": "$id"}"""
            assertEquals(403, post("$url/komopay", body))
            // A filter reads each body first, and the platform's callback comes through.
            val callback = client.callbackUrl("$url/komopay", id)
            val account = BankAccount("Test account", "11223344")
            val method = BankTransfer("BNK_000", account, emailAddress = "customer@test.com")
            client.createPayout(id, PayoutRequest(Money("10000", "IDR"), method, callbackUrl = callback))
            assertEquals("$id change 1: SUCCESS", app.next())

            assertEquals(200, post(callback, body))
            // Without a length, in chunks.
            assertEquals(200, send(request(callback).POST(BodyPublishers.ofInputStream { body.byteInputStream() })))
            // Where a body is gone, nobody says that the sender was wrong, or that all is well.
            assertEquals(500, post(client.callbackUrl("$url/unkept", id), body))
        }
        // What the application has besides is there.
        assertTrue(send(request("$url/private").GET()) in setOf(302, 401))
        // Refused for want of a CSRF token; Spring then sends strangers to its login page, the error's too.
        assertTrue(post("$url/form", "a=b") in setOf(302, 400, 403))
    }

    /** What Spring Boot's actuator tells of the client, where it shows all values. */
    private fun endpoints(sandbox: Sandbox) {
        val told = List(5) {
            val components = Json.parseToJsonElement(get("actuator/health")).jsonObject.getValue("components")
            components.jsonObject.getValue("komopay").jsonObject
        }.toSet().single()
        assertEquals("UP", told.getValue("status").jsonPrimitive.content)
        assertEquals(1, sandbox.calls("get_merchant_info"))
        for (endpoint in listOf("env", "env/komopay.secret", "env/KOMOPAY_SECRET", "configprops/komopay")) {
            val shown = get("actuator/$endpoint")
            // What is no setting that anybody may know is not there, or hidden.
            assertTrue(if ("env" in endpoint) "*****" in shown else Sandbox.CODE in shown, "$endpoint: $shown")
            for (secret in listOf(Sandbox.SECRET, Shop.KEY)) assertFalse(secret in shown, endpoint)
        }
    }

    private fun get(path: String): String =
        http.send(request("$url/$path").build(), BodyHandlers.ofString()).body()

    private fun post(url: String, body: String): Int =
        send(request(url).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)))

    private fun send(request: HttpRequest.Builder): Int =
        http.send(request.build(), BodyHandlers.discarding()).statusCode()

    private fun request(url: String) = HttpRequest.newBuilder(URI(url))

    /** Of those that lie beside the one that runs the tests. */
    private fun newestJava(): String {
        val beside = File(System.getProperty("java.home")).canonicalFile.parentFile.listFiles().orEmpty()
        val installed = beside.filter { it.resolve("bin/java").canExecute() && it.resolve("release").exists() }
        return installed.maxByOrNull(::version)?.resolve("bin/java")?.path ?: Shop.JAVA
    }

    private fun version(home: File): Int =
        Regex("JAVA_VERSION=\"(\\d+)").find(home.resolve("release").readText())!!.groupValues[1].toInt()

    private companion object {
        // As the platform calls: it asks for no other version.
        val http: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    }
}
