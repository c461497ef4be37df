package id.komopay

import kotlin.reflect.KClass
import kotlin.reflect.full.declaredMemberFunctions
import kotlin.reflect.full.memberProperties
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class BuilderTest {
    @Test
    fun `what has a default in Kotlin can be set in Java, and is then set`() {
        assertEquals(optional(Config::class) - setOf("baseUrl", "credentials"), settable(ConfigBuilder::class))
        assertEquals(optional(PayoutRequest::class) - setOf("money", "method"), settable(PayoutRequestBuilder::class))
        val bank = optional(BankTransfer::class) + optional(BankAccount::class)
        assertEquals(bank - setOf("operatorCode", "account", "name", "number"), settable(BankTransferBuilder::class))
    }

    private fun optional(type: KClass<*>) = type.memberProperties.map { it.name }.toSet()

    private fun settable(builder: KClass<*>) =
        builder.declaredMemberFunctions.filter { it.returnType.classifier == builder && it.parameters.size == 2 }
            .map { it.name }.toSet() - setOf("set", "account")
}
