package id.komopay

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.time.Duration
import java.util.UUID
import kotlin.concurrent.thread
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** A gateway of its own for each test: the program komopay-sandbox, whose ledger tells what happened to the money. */
class Sandbox(vararg arguments: String) : AutoCloseable {
    private val http = HttpClient.newHttpClient()
    private val token = UUID.randomUUID().toString()
    private val process: Process
    val url: String

    init {
        val program =
            checkNotNull(System.getenv("KOMOPAY_SANDBOX_BIN")) { "KOMOPAY_SANDBOX_BIN says where the sandbox is" }
        val merchant = listOf("--merchant-code", CODE, "--secret", SECRET)
        val options = listOf("--port", "0", "--control") + merchant
        val final = if ("--processing-ms" in arguments) listOf() else listOf("--processing-ms", "0")
        val builder = ProcessBuilder(listOf(program) + options + final + arguments).redirectErrorStream(true)
        builder.environment()["KOMOPAY_SANDBOX_TOKEN"] = token
        process = builder.start()
        // Also of a test that could not begin.
        Runtime.getRuntime().addShutdownHook(Thread { process.destroyForcibly() })
        val output = process.inputStream.bufferedReader()
        url = generateSequence { output.readLine() }.first { ANNOUNCEMENT in it }.substringAfter(ANNOUNCEMENT)
        // Read on, so that it never blocks on a full pipe, until it ends and the pipe with it.
        thread(isDaemon = true) { runCatching { output.forEachLine {} } }
    }

    val credentials: Credentials get() = Credentials.merchant(CODE, SECRET)

    fun config(credentials: Credentials = this.credentials): Config = Config(url, credentials)

    /** Lines such as `executed A-1 10000 IDR`. */
    fun ledger(): List<String> {
        control("GET", "idle")
        return control("GET", "ledger").jsonArray.map { line ->
            listOf("kind", "payout_id", "amount", "currency").joinToString(" ") { line.text(it) }
        }
    }

    fun calls(operation: String): Int = control("GET", "calls").jsonObject[operation]?.jsonPrimitive?.int ?: 0

    /** Breaks the next call of this operation: an effect of docs/gateway.md, as JSON. */
    fun breakNext(operation: String, effect: String) {
        control("POST", "faults", """{"when": {"operation": "$operation", "on": {"nth": 1}}, "effect": $effect}""")
    }

    /** Waits until so many calls of this operation have come. Nothing else tells: the sandbox sends no events. */
    fun awaitCalls(operation: String, count: Int) {
        while (calls(operation) < count) Thread.sleep(5)
    }

    /** Breaks every call of this operation, until [clearFaults]. */
    fun breakAll(operation: String, effect: String) {
        control("POST", "faults", """{"when": {"operation": "$operation", "on": "always"}, "effect": $effect}""")
    }

    /** Holds every call of this operation, until [clearFaults]. */
    fun hold(operation: String): Unit = breakAll(operation, """{"type": "hold"}""")

    /** Breaks nothing any more, and lets go on what is held. */
    fun clearFaults() {
        control("DELETE", "faults")
    }

    /** Breaks the next attempt to deliver a callback: an effect of docs/gateway.md, as JSON. */
    fun breakNextCallback(effect: String) {
        control("POST", "deliveries/faults", """{"when": {"on": {"nth": 1}}, "effect": $effect}""")
    }

    /** Another status of a payout: a change, and a callback. */
    fun changeStatus(payoutId: String, status: String) {
        control("POST", "payouts/$payoutId/status", """{"status": "$status"}""")
    }

    /**
     * Sends a callback that no payout asked for, to a port that the sandbox was started with (`--forge-to-port`), and
     * says how the receiver answered.
     */
    fun forge(payoutId: String, url: String): String =
        outcome(control("POST", "deliveries/forge", """{"payout_id": "$payoutId", "url": "$url"}"""))

    /** Waits until no callback is due, and says what became of each attempt so far, such as `A-1 200`. */
    fun deliveries(): List<String> {
        control("GET", "idle")
        return control("GET", "deliveries").jsonArray.map { "${it.text("payout_id")} ${outcome(it)}" }
    }

    /** Puts the sandbox's clock forward: repeats of callbacks become due. */
    fun advance(time: Duration) {
        control("POST", "clock", """{"advance_ms": ${time.toMillis()}}""")
    }

    private fun outcome(delivery: JsonElement): String {
        val outcome = delivery.jsonObject.getValue("outcome").jsonObject
        return (outcome["status"] ?: outcome.getValue("type")).jsonPrimitive.content
    }

    override fun close() {
        process.destroy()
        process.waitFor()
    }

    private fun control(method: String, path: String, body: String = ""): JsonElement {
        val request = HttpRequest.newBuilder(URI("$url/_sandbox/$path")).method(method, BodyPublishers.ofString(body))
            .header("Authorization", "Bearer $token")
        val answer = http.send(request.build(), BodyHandlers.ofString())
        check(answer.statusCode() < 300) { "$path: ${answer.body()}" }
        return Json.parseToJsonElement(answer.body().ifEmpty { "null" })
    }

    companion object {
        const val CODE = "KOTLIN"

        /** Canaries, which no output may show. */
        const val SECRET = "canary-secret-b5c1f0"
        const val ACCOUNT = "550066007700"

        private const val ANNOUNCEMENT = "komopay-sandbox listens on "

        @JvmStatic
        fun request(amount: String = "10000"): PayoutRequest = PayoutRequest(
            Money(amount, "IDR"),
            BankTransfer("BNK_000", BankAccount("Test account", ACCOUNT), emailAddress = "customer@test.com"),
        )
    }
}

private fun JsonElement.text(name: String) = jsonObject.getValue(name).jsonPrimitive.content
