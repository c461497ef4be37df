package id.komopay.jackson3

import id.komopay.jackson.FORMS
import id.komopay.jackson.Form
import id.komopay.jackson.Refused
import id.komopay.jackson.SECRET
import id.komopay.jackson.secret
import java.math.BigDecimal
import tools.jackson.core.JsonGenerator
import tools.jackson.core.JsonParser
import tools.jackson.core.JsonToken
import tools.jackson.databind.DatabindException
import tools.jackson.databind.DeserializationContext
import tools.jackson.databind.SerializationContext
import tools.jackson.databind.deser.std.StdDeserializer
import tools.jackson.databind.exc.MismatchedInputException
import tools.jackson.databind.module.SimpleModule
import tools.jackson.databind.ser.std.StdSerializer

/**
 * Writes and reads the SDK's values with Jackson 3, as [id.komopay.jackson.KomopayModule] does with Jackson 2, in the
 * same form. Errors are a `DatabindException`.
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
    override fun getRegistrationId(): Any = "id.komopay.jackson3.KomopayModule($includePersonal)"

    private companion object {
        private const val serialVersionUID = 1L
    }
}

private class Writer<T : Any>(@Transient private val form: Form<T>, private val includePersonal: Boolean) :
    StdSerializer<T>(form.type) {
    override fun serialize(value: T, to: JsonGenerator, context: SerializationContext) {
        val plain = try {
            form.write(value, includePersonal)
        } catch (refused: Refused) {
            throw DatabindException.from(to, refused.message)
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
                    to.writeName(name as String)
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
        JsonToken.VALUE_STRING -> from.string
        JsonToken.VALUE_NUMBER_INT, JsonToken.VALUE_NUMBER_FLOAT -> from.decimalValue
        JsonToken.VALUE_TRUE -> true
        JsonToken.VALUE_FALSE -> false
        JsonToken.VALUE_NULL -> null
        else -> throw Refused("", "holds what is no JSON")
    }
}

private class SecretWriter<T>(private val type: Class<T>) : StdSerializer<T>(type) {
    override fun serialize(value: T, to: JsonGenerator, context: SerializationContext): Unit =
        throw DatabindException.from(to, secret(type))
}

private class SecretReader<T>(private val type: Class<T>) : StdDeserializer<T>(type) {
    override fun deserialize(from: JsonParser, context: DeserializationContext): T =
        throw MismatchedInputException.from(null, type, secret(type))
}
