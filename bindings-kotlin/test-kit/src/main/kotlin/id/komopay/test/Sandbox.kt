package id.komopay.test

import id.komopay.AsyncClient
import id.komopay.BlockingClient
import id.komopay.Client
import id.komopay.Config
import id.komopay.ConfigBuilder
import id.komopay.Credentials
import id.komopay.Money
import java.math.BigDecimal
import java.net.URLEncoder
import java.time.Duration
import java.time.Instant
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long

/**
 * A stand-in gateway that listens on 127.0.0.1 until it is closed, in a process of its own, which ends with this JVM,
 * too. Any number can run; they share nothing. It speaks the API over a real socket, moves balances, writes down in a
 * ledger what it really executed, and breaks on demand.
 *
 * ```
 * Sandbox().use { sandbox ->
 *     sandbox.blockingClient().use { client ->
 *         sandbox.loseAnswer()
 *         client.createPayout("SALARY-1", salary)
 *     }
 *     assertEquals(1, sandbox.executed("SALARY-1"))
 * }
 * ```
 *
 * What breaks is said before the call that shall meet it. With `nth = 1` it is the next call of the operation, and the
 * fault is used up by it; with `nth = null` it is every call until [clearFaults]. With a `payoutId`, only calls about
 * that payout count.
 *
 * What the gateway cannot do, such as a fault that there is not, is an [IllegalArgumentException] in its words, and a
 * payout that it does not have a [NoSuchElementException]. A setting that cannot be used is an [IllegalStateException].
 * Java has [SandboxBuilder] for the settings. With JUnit, [KomopayExtension] gives each test a sandbox of its own.
 *
 * @param processingTime How long a payout stays PROCESSING; none: it has ended when its create is answered.
 * @param seed What everything random follows from.
 * @property merchantCode The merchant code that it accepts.
 * @property secret The secret that it accepts.
 * @param balances Amounts by currency, in place of what the sandbox has of them by itself, which is plenty.
 * @param forgeToPorts The ports of this machine that [forgeCallback] may post to, besides URLs of payouts.
 * @param callbackInterval How long after an attempt a callback is repeated that was not answered with 200.
 * @param callbackOnCreate Whether there is a callback for the creation of a payout, too.
 * @param deliverToAnyHost Whether callbacks go to other machines, too; by default they are withheld.
 */
public class Sandbox @JvmOverloads constructor(
    processingTime: Duration = Duration.ZERO,
    seed: Long = 0,
    public val merchantCode: String = "SANDBOX_MERCHANT",
    public val secret: String = "sandbox-secret",
    balances: Map<String, BigDecimal> = mapOf(),
    forgeToPorts: Collection<Int> = listOf(),
    callbackInterval: Duration = Duration.ofMinutes(2),
    callbackOnCreate: Boolean = false,
    deliverToAnyHost: Boolean = false,
) : AutoCloseable {
    private val gateway = Gateway(
        listOf(
            "--processing-ms", "${processingTime.toMillis()}", "--seed", "$seed", "--merchant-code", merchantCode,
            "--secret", secret, "--callback-interval-ms", "${callbackInterval.toMillis()}",
        ) + balances.flatMap { (currency, amount) -> listOf("--balance", "$currency=${amount.toPlainString()}") } +
            forgeToPorts.flatMap { listOf("--forge-to-port", "$it") } +
            listOf("--callback-on-create").filter { callbackOnCreate } +
            listOf("--deliver-to-any-host").filter { deliverToAnyHost },
    )

    /** Where it listens, such as `http://127.0.0.1:38211`. */
    public val baseUrl: String get() = gateway.baseUrl

    /** What calls of the control API must bring along, as `Authorization: Bearer ...`. */
    public val controlToken: String get() = gateway.controlToken

    /** The variables that programs read: `KOMOPAY_BASE_URL` and so on. */
    public val environment: Map<String, String>
        get() = mapOf(
            "KOMOPAY_BASE_URL" to baseUrl, "KOMOPAY_MERCHANT_CODE" to merchantCode, "KOMOPAY_SECRET" to secret,
            "KOMOPAY_SANDBOX_TOKEN" to controlToken,
        )

    /**
     * The settings of a client of this sandbox. Its pauses are short and a call ends after 5 s, so that a test of what
     * goes wrong is quick. In Kotlin, `config().copy(...)` changes more; Java has [configBuilder].
     */
    public fun config(): Config = configBuilder().build()

    /** The same settings, to be changed. */
    public fun configBuilder(): ConfigBuilder = ConfigBuilder(baseUrl, Credentials.Merchant(merchantCode, secret))
        .totalTimeout(Duration.ofSeconds(5))
        .attemptTimeout(Duration.ofSeconds(2))
        .settleWindow(Duration.ofMillis(250))
        .backoffBase(Duration.ofMillis(10))
        .backoffCap(Duration.ofMillis(100))

    /** A client of this sandbox with these settings. Close it. */
    @JvmOverloads
    public fun client(config: Config = config()): Client = Client(config)

    /** The same for threads and Java. Close it. */
    @JvmOverloads
    public fun blockingClient(config: Config = config()): BlockingClient = BlockingClient(config)

    /** The same for futures. Close it. */
    @JvmOverloads
    public fun asyncClient(config: Config = config()): AsyncClient = AsyncClient(config)

    // What happened.

    /** What happened to money so far. If a call may still be under way, ask [idle] first. */
    public fun ledger(): List<LedgerEntry> = gateway.ask("GET", "ledger").jsonArray.map { entry ->
        LedgerEntry(
            entry.number("sequence"), Instant.parse(entry.text("at")), entry.text("kind"), entry.text("payout_id"),
            money(entry.text("amount"), entry.text("currency")), entry.text("payee_hash"),
        )
    }

    /** How often this payout has been executed by now: 1, if it was paid and not paid twice. */
    public fun executed(payoutId: String): Int =
        ledger().count { it.payoutId == payoutId && it.kind == "executed" }

    /** The money on the account of a currency; a [NoSuchElementException] if there is no such account. */
    public fun balance(currency: String): SandboxBalance {
        val found = gateway.ask("GET", "balances").jsonObject[currency]
            ?: throw NoSuchElementException("this sandbox has no account in $currency")
        return SandboxBalance(
            money(found.text("balance"), currency), money(found.text("available"), currency),
            money(found.text("pending_payout"), currency),
        )
    }

    /**
     * How many calls of an operation have arrived, whatever became of them: `create_payout`, `get_payout`,
     * `issue_token` or another of the API.
     */
    public fun calls(operation: String): Long {
        val calls = gateway.ask("GET", "calls").jsonObject
        val count = calls[operation]
        return requireNotNull(count) { "operation: there is no $operation, but ${calls.keys.joinToString()}" }
            .jsonPrimitive.long
    }

    /** Returns when nothing is pending: no call, no processing, no late execution, no callback that is due. */
    public fun idle() {
        gateway.ask("GET", "idle")
    }

    /**
     * An account number with which a payout ends as wanted; for a method with an `@`, put one behind it. With a
     * [failure] alone the status is FAILED, without either it is SUCCESS.
     *
     * ```
     * sandbox.accountNumber(failure = "INVALID_ACCOUNT_NUMBER") // 9000000019
     * ```
     */
    @JvmOverloads
    public fun accountNumber(status: String? = null, failure: String? = null): String {
        if (failure == null && (status == null || status == "SUCCESS")) return "11223344"
        val numbers = gateway.ask("GET", "account-numbers").jsonArray
        val fitting = numbers.filter { it.text("status") == (status ?: "FAILED") }
        // Without a reason: the one that tells none, if there is such a one.
        val number = fitting.firstOrNull { it.optional("failure_reason") == failure }
            ?: fitting.firstOrNull().takeIf { failure == null }
        return requireNotNull(number) {
            val all = numbers.map { listOfNotNull(it.text("status"), it.optional("failure_reason")).joinToString(" ") }
            "status: no account number ends like this; there is SUCCESS, ${all.joinToString()}"
        }.text("digits")
    }

    // Callbacks.

    /** The delivery log: the last 10,000 attempts to deliver a callback, in the order in which they ended. */
    public fun deliveries(): List<Delivery> = gateway.ask("GET", "deliveries").jsonArray.map(::delivery)

    /**
     * Whether every callback is delivered or given up, repeats included, within this time: it waits for that. A repeat
     * comes after two minutes, unless `callbackInterval` or [advance] shortens the wait.
     */
    @JvmOverloads
    public fun waitForDeliveries(timeout: Duration = Duration.ofSeconds(10)): Boolean {
        val told = gateway.ask("GET", "deliveries/done?limit_ms=${timeout.toMillis()}")
        return told.jsonObject["done"] == JsonPrimitive(true)
    }

    /**
     * Gives a payout a final status, its first or a corrected one, and sends the callback of that: SUCCESS, FAILED or
     * REFUSED, the last two with a reason; for FAILED, that is SYSTEM by default.
     */
    @JvmOverloads
    public fun changeStatus(payoutId: String, status: String, failure: String? = null) {
        val change = json("status" to status, "failure_reason" to failure)
        gateway.ask("POST", "payouts/${inPath(payoutId)}/status", change)
    }

    /** Sends a callback about a payout now, with its repeats, though nothing has changed. */
    public fun sendCallback(payoutId: String) {
        gateway.ask("POST", "payouts/${inPath(payoutId)}/callback")
    }

    /**
     * Sends a callback that no payout asked for, once, and returns what became of it: to the URL of a payout, or to a
     * port of `forgeToPorts`.
     */
    public fun forgeCallback(payoutId: String, url: String): Delivery =
        delivery(gateway.ask("POST", "deliveries/forge", json("payout_id" to payoutId, "url" to url)))

    /**
     * Lets something go wrong with an attempt to deliver a callback.
     *
     * [effect] is `duplicate` (`copies`: so many more, all at once), `delay` (`ms`), `after_next` (it is sent when the
     * callback of the payout's next change has been: out of order), `lose` (nothing is sent) or `lose_answer` (sent,
     * and repeated whatever the answer is); [details] are what is in brackets. [nth] and [rate] are as in [fail], and
     * count attempts, repeats too; [payoutId], [status] and [attempt] (1 is the first) let only some of them count.
     */
    @JvmOverloads
    public fun failCallback(
        effect: String,
        details: Map<String, Any?> = mapOf(),
        nth: Int? = 1,
        payoutId: String? = null,
        status: String? = null,
        attempt: Int? = null,
        rate: Double? = null,
    ) {
        val conditions = mapOf("payout_id" to payoutId, "status" to status, "attempt" to attempt)
        gateway.ask("POST", "deliveries/faults", fault(conditions, nth, rate, effect, details))
    }

    /** Puts the sandbox's clock forward: processing, delays and repeats of callbacks that would end then end now. */
    public fun advance(time: Duration) {
        gateway.ask("POST", "clock", json("advance_ms" to time.toMillis()))
    }

    // What breaks.

    /** The call is executed, and the connection closes without an answer. */
    @JvmOverloads
    public fun loseAnswer(operation: String = CREATE, nth: Int? = 1, payoutId: String? = null): Unit =
        fail(operation, "execute_then_close", nth = nth, payoutId = payoutId)

    /** The connection closes without an answer, and nothing is executed: to a client just like a lost answer. */
    @JvmOverloads
    public fun loseRequest(operation: String = CREATE, nth: Int? = 1, payoutId: String? = null): Unit =
        fail(operation, "close_after_reading", nth = nth, payoutId = payoutId)

    /**
     * Creates are executed, but neither answered nor found, until [clearFaults]: an `OutcomeUnknownException`. What
     * your code does then is worth a test. The client tries until its `totalTimeout`.
     */
    @JvmOverloads
    public fun hideOutcome(payoutId: String? = null) {
        loseAnswer(nth = null, payoutId = payoutId)
        fail("get_payout", "status", mapOf("status" to 503), nth = null, payoutId = payoutId)
    }

    /** The call waits this long, and is then executed and answered as always. */
    @JvmOverloads
    public fun slow(time: Duration, operation: String = CREATE, nth: Int? = null, payoutId: String? = null): Unit =
        fail(operation, "delay", mapOf("ms" to time.toMillis()), nth, payoutId)

    /** The call waits until [clearFaults], and is then executed and answered as always. */
    @JvmOverloads
    public fun hold(operation: String = CREATE, nth: Int? = null, payoutId: String? = null): Unit =
        fail(operation, "hold", nth = nth, payoutId = payoutId)

    /**
     * The call is answered with this status, and nothing is executed. Without an operation: every one. A create then
     * ends as `UnavailableException`, but with `resume = true` as `OutcomeUnknownException`: what an earlier run did
     * cannot be read, either.
     */
    @JvmOverloads
    public fun unavailable(
        operation: String? = null,
        status: Int = 503,
        nth: Int? = null,
        payoutId: String? = null,
    ) {
        val operations = operation?.let(::listOf) ?: gateway.ask("GET", "calls").jsonObject.keys
        for (each in operations) fail(each, "status", mapOf("status" to status), nth, payoutId)
    }

    /** The call is answered with 429, with a `Retry-After` of so many seconds if one is given. */
    @JvmOverloads
    public fun rateLimit(
        retryAfter: Int? = null,
        operation: String = CREATE,
        nth: Int? = 1,
        payoutId: String? = null,
    ): Unit = fail(operation, "rate_limited", mapOf("retry_after_secs" to retryAfter), nth, payoutId)

    /** The call is answered with 406 and this code, such as `BALANCE_INSUFFICIENT`: a `RejectedException`. */
    @JvmOverloads
    public fun reject(
        code: String,
        operation: String = CREATE,
        usesIdUp: Boolean = false,
        nth: Int? = 1,
        payoutId: String? = null,
    ): Unit = fail(operation, "rejected", mapOf("code" to code, "uses_id_up" to usesIdUp), nth, payoutId)

    /**
     * A front end delivers somebody else's answer: this one goes out, and the call's own behind it. Only calls on a
     * connection that has carried another one before count. The call is executed before the answer goes out; with
     * [executeAfter], so long after.
     */
    @JvmOverloads
    public fun strayAnswer(
        status: Int,
        body: String = "",
        headers: Map<String, String> = mapOf(),
        executeAfter: Duration? = null,
        operation: String = CREATE,
        nth: Int? = 1,
        payoutId: String? = null,
    ) {
        val answer = mapOf("status" to status, "body" to body, "headers" to headers)
        fail(operation, "stray_answer", answer + late(executeAfter), nth, payoutId)
    }

    /** A front end doubles an answer: the previous one of the connection goes out again. Else as [strayAnswer]. */
    @JvmOverloads
    public fun previousAnswer(
        executeAfter: Duration? = null,
        operation: String = CREATE,
        nth: Int? = 1,
        payoutId: String? = null,
    ): Unit = fail(operation, "previous_answer", late(executeAfter), nth, payoutId)

    /**
     * Breaks a call in any way that there is; the methods above are those that are asked for most. The [effects and
     * their details](https://github.com/komopay/komopay-sdk/blob/main/docs/gateway.md#faults) are the sandbox's own.
     * [rate] in place of [nth] breaks each call with this probability, repeatably under the sandbox's seed. The first
     * fault that matches a call decides it.
     *
     * ```
     * sandbox.fail("create_payout", "execute_then_status", mapOf("status" to 502))
     * ```
     */
    @JvmOverloads
    public fun fail(
        operation: String,
        effect: String,
        details: Map<String, Any?> = mapOf(),
        nth: Int? = 1,
        payoutId: String? = null,
        rate: Double? = null,
    ) {
        val conditions = mapOf("operation" to operation, "payout_id" to payoutId)
        gateway.ask("POST", "faults", fault(conditions, nth, rate, effect, details))
    }

    /** Breaks nothing any more, callbacks included. What already happened stays. */
    public fun clearFaults() {
        gateway.ask("DELETE", "faults")
    }

    /** Switches the merchant off, so that every token is refused with `MERCHANT_INACTIVE`, or on again. */
    public fun setMerchantActive(active: Boolean) {
        gateway.ask("POST", "merchant", json("active" to active))
    }

    /** Everything as at the start: balances, ledger, faults, callbacks. The clock stays. */
    public fun reset() {
        gateway.ask("POST", "reset")
    }

    /** Ends it, at once: a call that is not just being answered is cut. */
    override fun close(): Unit = gateway.close()

    override fun toString(): String = "Sandbox($baseUrl, $merchantCode)"

    private companion object {
        const val CREATE = "create_payout"

        // Whatever the gateway holds can be shown: by its digits, and not as a text that may be read in two ways.
        fun money(amount: String, currency: String) = Money(BigDecimal(amount), currency)

        fun inPath(text: String): String = URLEncoder.encode(text, Charsets.UTF_8).replace("+", "%20")

        fun late(executeAfter: Duration?): Map<String, Any?> =
            if (executeAfter == null) mapOf() else mapOf("execute_after_ms" to executeAfter.toMillis())

        fun delivery(line: JsonElement): Delivery {
            val outcome = line.jsonObject.getValue("outcome")
            return Delivery(
                line.number("sequence"), Instant.parse(line.text("at")), line.text("payout_id"),
                line.optional("status"), line.jsonObject.getValue("attempt").jsonPrimitive.int, line.text("url"),
                outcome.text("type"), outcome.jsonObject["status"]?.jsonPrimitive?.intOrNull,
                outcome.optional("reason"),
            )
        }

        /** A fault as the control API says it. */
        fun fault(
            conditions: Map<String, Any?>,
            nth: Int?,
            rate: Double?,
            effect: String,
            details: Map<String, Any?>,
        ): JsonElement {
            val on = when {
                rate != null -> mapOf("rate" to rate)
                nth != null -> mapOf("nth" to nth)
                else -> "always"
            }
            return value(mapOf(
                "when" to conditions.filterValues { it != null } + mapOf("on" to on),
                "effect" to mapOf("type" to effect) + details,
            ))
        }

        fun json(vararg fields: Pair<String, Any?>) = value(mapOf(*fields))

        fun value(given: Any?): JsonElement = when (given) {
            null -> JsonNull
            is Boolean -> JsonPrimitive(given)
            is Number -> JsonPrimitive(given)
            is String -> JsonPrimitive(given)
            is Map<*, *> -> JsonObject(given.entries.associate { (name, value) -> "$name" to value(value) })
            is Iterable<*> -> JsonArray(given.map(::value))
            else -> throw IllegalArgumentException(
                "details: a ${given.javaClass.name} cannot be told to the gateway: give texts, numbers, lists and maps")
        }
    }
}

private fun JsonElement.text(name: String): String = jsonObject.getValue(name).jsonPrimitive.content

private fun JsonElement.optional(name: String): String? = jsonObject[name]?.jsonPrimitive?.contentOrNull

private fun JsonElement.number(name: String): Long = jsonObject.getValue(name).jsonPrimitive.long
