package id.komopay.conformance

import id.komopay.AccessScope
import id.komopay.AccessToken
import id.komopay.FailureCode
import id.komopay.KomopayException
import id.komopay.MethodCode
import id.komopay.Money
import id.komopay.PaymentTypeCode
import id.komopay.PayoutMethod
import id.komopay.PayoutStatus
import java.time.Duration
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import kotlin.reflect.full.memberProperties
import kotlin.reflect.full.primaryConstructor
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

private val MOMENT = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC)

/** A value of the SDK, as JSON. */
internal fun encode(value: Any?): JsonElement = when (value) {
    null, Unit -> JsonNull
    is Boolean -> JsonPrimitive(value)
    is Number -> JsonPrimitive(value)
    is String -> JsonPrimitive(value)
    is Money -> obj("amount" to encode(value.amount.toPlainString()), "currency" to encode(value.currency))
    is Duration -> encode(value.toMillis())
    is Instant -> encode(MOMENT.format(value))
    is List<*> -> JsonArray(value.map(::encode))
    is Map<*, *> -> JsonObject(value.entries.associate { (name, member) -> name.toString() to encode(member) })
    is PayoutStatus -> encode(value.code())
    is MethodCode -> encode(value.code())
    is FailureCode -> encode(value.code())
    is PaymentTypeCode -> encode(value.code())
    is AccessToken -> obj("token" to encode(value.expose()), "expires_at" to encode(value.expiresAt))
    is KomopayException -> encode(error(value))
    is PayoutMethod, is AccessScope -> encode(mapOf("type" to snake(value::class.simpleName!!)) + members(value))
    else -> encode(members(value))
}

private fun members(value: Any): Map<String, Any?> {
    check(value.javaClass.packageName.startsWith("id.komopay")) { "nobody knows how to say a ${value::class}" }
    val properties = value::class.memberProperties.associateBy { it.name }
    val parameters = value::class.primaryConstructor!!.parameters
    return parameters.associate { snake(it.name!!) to properties.getValue(it.name!!).getter.call(value) }
}

private fun error(error: KomopayException): Map<String, Any?> = mapOf(
    "kind" to error.kind.code(),
    "message" to error.message,
    "http_status" to error.httpStatus,
    "callback_status" to error.callbackStatus,
    "field" to error.field,
    "reasons" to error.reasons,
    "payout_id" to error.payoutId,
    "attempts" to error.attempts,
    "retry_after" to error.retryAfter,
    "retryable" to error.retryable,
    "money_may_have_moved" to error.moneyMayHaveMoved,
    "payout" to error.payout,
    "cause" to error.cause,
    "concerns" to error.concerns?.code(),
    "texts" to listOf(error.toString(), error.stackTraceToString(), error.attempts.toString(), error.reasons.toString())
        .filterNot { it == "[]" },
)
