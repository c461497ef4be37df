package id.komopay.conformance

import id.komopay.AccessScope
import id.komopay.ChangeStore
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.PaymentTypeCode
import id.komopay.PayoutRequest
import id.komopay.SignaturePlace
import id.komopay.TokenScope
import id.komopay.blockingProvider
import id.komopay.merchant
import id.komopay.token
import java.time.Duration
import java.time.Instant
import java.util.concurrent.atomic.AtomicInteger
import kotlin.reflect.KClass
import kotlin.reflect.KParameter
import kotlin.reflect.KType
import kotlin.reflect.full.primaryConstructor
import kotlin.reflect.typeOf
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long

/** The JSON of the conductor, as a value of this type. */
internal fun decode(json: JsonElement, type: KType): Any? {
    if (json.isNull && type.isMarkedNullable) return null
    return when (val kind = type.classifier as KClass<*>) {
        String::class -> (json as JsonPrimitive).content
        Boolean::class -> json.jsonPrimitive.boolean
        Int::class -> json.jsonPrimitive.int
        Double::class -> json.jsonPrimitive.double
        Long::class -> json.jsonPrimitive.long
        Instant::class -> Instant.parse(json.jsonPrimitive.content)
        ByteArray::class -> body(json)
        Duration::class -> Duration.ofMillis(json.jsonPrimitive.long)
        List::class -> json.jsonArray.map { decode(it, type.arguments.single().type!!) }
        Money::class -> json.jsonObject.let { Money(it.text("amount"), it.text("currency")) }
        SignaturePlace::class -> SignaturePlace.valueOf(json.jsonPrimitive.content.uppercase())
        ChangeStore::class -> changeStore(json.jsonPrimitive.content)
        TokenScope::class -> TokenScope.valueOf(json.jsonPrimitive.content.uppercase())
        // The core knows the codes by their texts.
        PaymentTypeCode::class -> PaymentTypeCode.Unknown(json.jsonPrimitive.content)
        else -> {
            if (!kind.isSealed) return make(kind, json.jsonObject)
            val variant = kind.sealedSubclasses.single { snake(it.simpleName!!) == json.jsonObject.text("type") }
            make(variant, json.jsonObject - "type")
        }
    }
}

/** A text, or so many times one. */
private fun body(json: JsonElement): ByteArray {
    if (json !is JsonObject) return json.jsonPrimitive.content.toByteArray()
    return json.text("repeat").repeat(json.getValue("times").jsonPrimitive.int).toByteArray()
}

/** `memory`, or the path of a file. */
private fun changeStore(text: String): ChangeStore =
    if (text == "memory") ChangeStore.Memory else ChangeStore.Sqlite(text)

private fun make(kind: KClass<*>, members: JsonObject): Any {
    val constructor = kind.primaryConstructor!!
    return constructor.callBy(arguments(members, constructor.parameters))
}

/** What is left out is left to its default. */
internal fun arguments(members: JsonObject, parameters: List<KParameter>): Map<KParameter, Any?> =
    members.entries.associate { (name, json) ->
        val parameter = checkNotNull(parameters.find { it.name == camel(name) }) { "there is no $name" }
        parameter to decode(json, parameter.type)
    }

internal fun made(what: String, members: JsonObject): Any = when (what) {
    "money" -> decode(members, typeOf<Money>())!!
    "payout_id" -> members.text("payout_id")
    "payout_request" -> decode(members, typeOf<PayoutRequest>())!!
    "access_scope" -> decode(members, typeOf<AccessScope>())!!
    else -> error("nobody knows what $what is")
}

private val CREDENTIALS = setOf("merchant_code", "secret", "token", "provider")

internal fun settings(members: JsonObject): Config {
    val credentials = when (val given = members.keys intersect CREDENTIALS) {
        setOf("merchant_code", "secret") -> Credentials.merchant(members.text("merchant_code"), members.text("secret"))
        setOf("token") -> Credentials.token(members.text("token"))
        setOf("provider") -> provider(members.getValue("provider").jsonArray.map { it.jsonPrimitive.contentOrNull })
        else -> error("Kotlin has no form for the credentials $given")
    }
    val constructor = Config::class.primaryConstructor!!
    val others = arguments(JsonObject(members.filterKeys { it !in CREDENTIALS }), constructor.parameters)
    return constructor.callBy(others + (constructor.parameters.single { it.name == "credentials" } to credentials))
}

/** Gives one after the other, the last one for ever. */
private fun provider(tokens: List<String?>): Credentials {
    val asked = AtomicInteger()
    return blockingProvider { tokens[asked.getAndIncrement().coerceAtMost(tokens.lastIndex)] ?: error("told to fail") }
}

internal fun camel(name: String) = name.replace(Regex("_([a-z])")) { it.groupValues[1].uppercase() }

internal fun snake(name: String) = name.replace(Regex("(?<=[a-z])[A-Z]")) { "_${it.value}" }.lowercase()
