package id.komopay.jackson

import com.fasterxml.jackson.core.JsonGenerator
import com.fasterxml.jackson.core.JsonParser
import com.fasterxml.jackson.core.JsonToken
import com.fasterxml.jackson.databind.DeserializationContext
import com.fasterxml.jackson.databind.JsonMappingException
import com.fasterxml.jackson.databind.SerializerProvider
import com.fasterxml.jackson.databind.deser.std.StdDeserializer
import com.fasterxml.jackson.databind.exc.MismatchedInputException
import com.fasterxml.jackson.databind.module.SimpleModule
import com.fasterxml.jackson.databind.ser.std.StdSerializer
import java.math.BigDecimal

/**
 * Writes and reads the SDK's values with Jackson 2 (2.15 or newer); for Jackson 3 there is
 * [id.komopay.jackson3.KomopayModule]. What was written is equal to what is read: exact amounts, codes that this
 * version does not know, errors with what is behind them.
 *
 * The form is the same in every language, whatever the settings of the mapper are: fields by their names there
 * (`payout_id`), amounts and times as texts, spans in seconds.
 *
 * What holds personal data, such as a `PayoutRequest` and its parts, is written only with [includePersonal], and then
 * whole; the `raw` of a payout is left out without that. What holds a secret, such as `Config` or a token, is never
 * written. Both are a `JsonMappingException`, and so is what cannot be read: it names the field, not what stands there.
 *
 * ```
 * val mapper = JsonMapper.builder().addModule(KomopayModule()).build()
 * val same: Payout = mapper.readValue(mapper.writeValueAsString(payout), Payout::class.java)
 * ```
 */
public class KomopayModule @JvmOverloads constructor(private val includePersonal: Boolean = false) :
    SimpleModule("komopay") {
    init {
        FORMS.forEach { add(it) }
        SECRET.forEach { addSecret(it) }
    }

    private fun <T : Any> add(form: Form<T>) {
        addSerializer(form.type, Writer(form, includePersonal))
        addDeserializer(form.type, Reader(form))
    }

    private fun <T> addSecret(type: Class<T>) {
        addSerializer(type, SecretWriter(type))
        addDeserializer(type, SecretReader(type))
    }

    /** One that writes what is personal can be added after one that does not, which a mapper may find by itself. */
    override fun getTypeId(): Any = "id.komopay.jackson.KomopayModule($includePersonal)"

    private companion object {
        private const val serialVersionUID = 1L
    }
}

private class Writer<T : Any>(@Transient private val form: Form<T>, private val includePersonal: Boolean) :
    StdSerializer<T>(form.type) {
    override fun serialize(value: T, to: JsonGenerator, provider: SerializerProvider) {
        val plain = try {
            form.write(value, includePersonal)
        } catch (refused: Refused) {
            throw JsonMappingException.from(to, refused.message)
        }
        write(plain, to)
    }

    private fun write(plain: Any?, to: JsonGenerator) {
        when (plain) {
            null -> to.writeNull()
            is String -> to.writeString(plain)
            is Boolean -> to.writeBoolean(plain)
            is Int -> to.writeNumber(plain)
            is Long -> to.writeNumber(plain)
            is BigDecimal -> to.writeNumber(plain)
            is List<*> -> {
                to.writeStartArray()
                plain.forEach { write(it, to) }
                to.writeEndArray()
            }
            is Map<*, *> -> {
                to.writeStartObject()
                for ((name, field) in plain) {
                    to.writeFieldName(name as String)
                    write(field, to)
                }
                to.writeEndObject()
            }
            else -> error("no plain data")
        }
    }
}

private class Reader<T : Any>(@Transient private val form: Form<T>) : StdDeserializer<T>(form.type) {
    override fun deserialize(from: JsonParser, context: DeserializationContext): T = try {
        form.read(plain(from), "")
    } catch (refused: Refused) {
        // Without the parser, which would add some of what it reads.
        throw MismatchedInputException.from(null, form.type, "${form.type.simpleName}: ${refused.message}")
    }

    private fun plain(from: JsonParser): Any? = when (from.currentToken()) {
        JsonToken.START_OBJECT -> buildMap {
            while (from.nextToken() != JsonToken.END_OBJECT) {
                val name = from.currentName()
                from.nextToken()
                put(name, plain(from))
            }
        }
        JsonToken.START_ARRAY -> buildList { while (from.nextToken() != JsonToken.END_ARRAY) add(plain(from)) }
        JsonToken.VALUE_STRING -> from.text
        JsonToken.VALUE_NUMBER_INT, JsonToken.VALUE_NUMBER_FLOAT -> from.decimalValue
        JsonToken.VALUE_TRUE -> true
        JsonToken.VALUE_FALSE -> false
        JsonToken.VALUE_NULL -> null
        else -> throw Refused("", "holds what is no JSON")
    }
}

private class SecretWriter<T>(private val type: Class<T>) : StdSerializer<T>(type) {
    override fun serialize(value: T, to: JsonGenerator, provider: SerializerProvider): Unit =
        throw JsonMappingException.from(to, secret(type))
}

private class SecretReader<T>(private val type: Class<T>) : StdDeserializer<T>(type) {
    override fun deserialize(from: JsonParser, context: DeserializationContext): T =
        throw MismatchedInputException.from(null, type, secret(type))
}
