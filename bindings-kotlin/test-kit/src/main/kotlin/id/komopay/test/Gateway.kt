/* The gateway as a process: the program in the jar, unpacked, started, and seen to its end. */
package id.komopay.test

import com.sun.jna.Platform
import java.io.BufferedReader
import java.io.IOException
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Files
import java.nio.file.Path
import java.util.UUID
import kotlin.concurrent.thread
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** A running gateway, and its control API. */
internal class Gateway(arguments: List<String>) : AutoCloseable {
    val controlToken: String = UUID.randomUUID().toString()
    val baseUrl: String
    private val process: Process
    private val log = StringBuilder()

    init {
        val command = listOf(program(), "--port", "0", "--control", "--stop-with-input")
        val builder = ProcessBuilder(command + arguments).redirectErrorStream(true)
        builder.environment()["KOMOPAY_SANDBOX_TOKEN"] = controlToken
        process = try {
            builder.start()
        } catch (failed: IOException) {
            throw IllegalStateException(
                "the gateway's program could not be started: ${failed.message}. If the folder of temporary files is " +
                    "mounted noexec, name another one: -Djava.io.tmpdir=FOLDER",
                failed,
            )
        }
        val output = process.inputStream.bufferedReader()
        val listens = generateSequence { output.readLine() }.onEach { log.appendLine(it) }
            .firstOrNull { it.startsWith(ANNOUNCEMENT) }
        checkNotNull(listens) { "the gateway did not start: ${log.trim().removePrefix("komopay-sandbox: ")}" }
        baseUrl = listens.removePrefix(ANNOUNCEMENT)
        drain(output)
    }

    /** Reads on, so that the gateway never blocks on a full pipe. */
    private fun drain(output: BufferedReader) {
        thread(isDaemon = true, name = "komopay-sandbox-output") { runCatching { output.forEachLine {} } }
    }

    /** Asks the control API. What it refuses is thrown, in its words. */
    fun ask(method: String, path: String, body: JsonElement? = null): JsonElement {
        check(process.isAlive) { "this sandbox has been closed" }
        val request = HttpRequest.newBuilder(URI("$baseUrl/_sandbox/$path"))
            .method(method, body?.let { BodyPublishers.ofString(it.toString()) } ?: BodyPublishers.noBody())
            .header("Authorization", "Bearer $controlToken")
        val answer = HTTP.send(request.build(), BodyHandlers.ofString())
        val told = answer.body()
        if (answer.statusCode() >= 300) {
            val why = runCatching {
                Json.parseToJsonElement(told).jsonObject.getValue("description").jsonPrimitive.content
            }.getOrDefault(told)
            throw if (answer.statusCode() == 404) NoSuchElementException(why) else IllegalArgumentException(why)
        }
        return if (told.isEmpty()) JsonNull else Json.parseToJsonElement(told)
    }

    override fun close() {
        // Its standard input ends, and it with that.
        runCatching { process.outputStream.close() }
        process.destroyForcibly()
        process.waitFor()
    }

    private companion object {
        const val ANNOUNCEMENT = "komopay-sandbox listens on "

        val HTTP: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()

        /** Where the program is: unpacked once in this JVM, unless the system property names one. */
        fun program(): String = System.getProperty("komopay.sandbox") ?: unpacked.toString()

        val unpacked: Path by lazy {
            val name = if (Platform.isWindows()) "komopay-sandbox.exe" else "komopay-sandbox"
            val place = "${Platform.RESOURCE_PREFIX}/$name"
            val packed = Gateway::class.java.getResourceAsStream("/id/komopay/test/$place")
            checkNotNull(packed) {
                "the gateway has no program for this machine ($place): start one of your own with " +
                    "-Dkomopay.sandbox=PROGRAM, which `cargo build -p komopay-sandbox` builds"
            }
            // Made for its owner alone.
            val folder = Files.createTempDirectory("komopay-sandbox")
            val program = folder.resolve(name)
            packed.use { Files.copy(it, program) }
            check(Platform.isWindows() || program.toFile().setExecutable(true)) { "$program cannot be made executable" }
            Runtime.getRuntime().addShutdownHook(Thread {
                program.toFile().delete()
                folder.toFile().delete()
            })
            program
        }
    }
}
