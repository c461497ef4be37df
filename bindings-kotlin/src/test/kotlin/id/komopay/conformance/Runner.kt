/*
 * The runner of the conformance suite for Kotlin: see tests/vectors/README.md. With --blocking, over the client for
 * threads.
 *
 * It makes calls of what it is told, and JSON of what comes back. It compares nothing and decides nothing.
 */
package id.komopay.conformance

import id.komopay.BlockingClient
import id.komopay.Client
import id.komopay.Config
import id.komopay.ErrorKind
import id.komopay.KomopayException
import id.komopay.LogLevel
import id.komopay.PaymentOptionFilter
import id.komopay.PayoutRequest
import id.komopay.fingerprint
import id.komopay.matchesFingerprint
import id.komopay.setLogger
import java.io.PrintStream
import java.lang.reflect.InvocationTargetException
import kotlin.reflect.KFunction
import kotlin.reflect.KParameter
import kotlin.reflect.full.callSuspendBy
import kotlin.reflect.full.declaredMemberFunctions
import kotlin.reflect.full.instanceParameter
import kotlin.reflect.typeOf
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject

fun main(arguments: Array<String>) {
    val answers = PrintStream(System.out, true, Charsets.UTF_8)
    // Nothing but answers goes to the standard output.
    System.setOut(System.err)
    // All of the log: the conductor looks for canaries in it.
    setLogger(LogLevel.TRACE) { System.err.println("${it.level} ${it.text}") }
    val runner = Runner(blocking = "--blocking" in arguments)
    System.`in`.bufferedReader().forEachLine { line ->
        answers.println(runBlocking { runner.answer(Json.parseToJsonElement(line).jsonObject) })
    }
}

private class Runner(private val blocking: Boolean) {
    private val clients = mutableMapOf<String, Any>()
    private val calls = mutableMapOf<String, Deferred<Any?>>()
    private val background = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    suspend fun answer(command: JsonObject): JsonElement = try {
        obj("ok" to encode(run(command)))
    } catch (error: KomopayException) {
        obj("error" to encode(error))
    } catch (_: CancellationException) {
        obj("cancelled" to JsonPrimitive(true))
    } catch (thrown: Throwable) {
        obj("broken" to JsonPrimitive(thrown.toString()))
    }

    private suspend fun run(command: JsonObject): Any? {
        when (val what = command.text("do")) {
            "open" -> clients[command.text("client")] = open(settings(command.obj("settings")))
            "call" -> return call(command)
            "start" -> calls[command.text("call")] = background.async { call(command) }
            "cancel" -> calls.getValue(command.text("call")).cancel()
            "finish" -> return calls.getValue(command.text("call")).await()
            "close" -> close(clients.getValue(command.text("client")))
            "make" -> return value(command.obj("value")).takeUnless { it is Config }
            "equal" -> {
                val (left, right) = value(command.obj("left")) to value(command.obj("right"))
                return mapOf("equal" to (left == right), "same_hash" to (left.hashCode() == right.hashCode()))
            }
            "show" -> return mapOf("texts" to texts(value(command.obj("value"))))
            "fingerprint" -> {
                val request = decode(command.obj("request"), typeOf<PayoutRequest>()) as PayoutRequest
                return request.fingerprint(command.text("key").toByteArray())
            }
            "matches_fingerprint" -> {
                val request = decode(command.obj("request"), typeOf<PayoutRequest>()) as PayoutRequest
                return request.matchesFingerprint(command.text("key").toByteArray(), command.text("stored"))
            }
            "kinds" -> return ErrorKind.values().map {
                val (code, retryable, moved) = Triple(it.code(), it.retryable(), it.moneyMayHaveMoved())
                mapOf("kind" to code, "retryable" to retryable, "money_may_have_moved" to moved)
            }
            else -> error("nobody knows what $what is")
        }
        return null
    }

    private fun open(config: Config): Any = if (blocking) BlockingClient(config) else Client(config)

    private suspend fun close(client: Any) {
        if (client is Client) client.close() else (client as BlockingClient).close()
    }

    private suspend fun value(command: JsonObject): Any = when (val what = command.text("is")) {
        "settings" -> settings(command - "is").also { close(open(it)) }
        else -> made(what, command - "is")
    }

    /** All the texts that the language shows it by. */
    private fun texts(value: Any): List<String> =
        listOf(value.toString(), listOf(value).toString()) +
            if (value is Config) listOf(open(value).toString()) else listOf()

    private suspend fun call(command: JsonObject): Any? {
        val client = clients.getValue(command.text("client"))
        val given = command.obj("arguments")
        val name = camel(command.text("operation"))
        val function = client::class.declaredMemberFunctions.single { it.name == name && !it.isVararg() }
        val values = function.parameters.filter { it.kind == KParameter.Kind.VALUE }
        val arguments = when (function.name) {
            "paymentOptions" -> mapOf(values.single() to decode(given, typeOf<PaymentOptionFilter>()))
            "balances" -> {
                val currencies = given["currencies"]?.let { decode(it, values.single().type) }
                mapOf(values.single() to currencies.orEmptyList())
            }
            else -> arguments(given, values)
        } + mapOf(function.instanceParameter!! to client)
        if (!blocking) return unwrapped { function.callSuspendBy(arguments) }
        return runInterruptible(Dispatchers.IO) { unwrapped { function.callBy(arguments) } }
    }

    private inline fun unwrapped(call: () -> Any?): Any? = try {
        call()
    } catch (thrown: InvocationTargetException) {
        throw thrown.targetException
    }

    private fun KFunction<*>.isVararg() = parameters.any { it.isVararg }

    private fun Any?.orEmptyList() = this ?: emptyList<String>()
}

internal fun obj(vararg members: Pair<String, JsonElement>) = JsonObject(mapOf(*members))

internal fun JsonObject.text(name: String) = (getValue(name) as JsonPrimitive).content

internal fun JsonObject.obj(name: String) = (get(name) ?: JsonObject(mapOf())).jsonObject

internal operator fun JsonObject.minus(name: String) = JsonObject(filterKeys { it != name })

internal val JsonElement.isNull get() = this is JsonNull
