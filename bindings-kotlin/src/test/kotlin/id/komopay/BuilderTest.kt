package id.komopay

import java.time.Duration
import kotlin.reflect.KClass
import kotlin.reflect.KType
import kotlin.reflect.full.declaredMemberFunctions
import kotlin.reflect.full.memberProperties
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class BuilderTest {
    @Test
    fun `what has a default in Kotlin can be set in Java, and is then set`() {
        val config = Config("http://127.0.0.1:1", Credentials.token("t"))
        assertAllSet(ConfigBuilder(config.baseUrl, config.credentials), setOf("baseUrl", "credentials")) { listOf(it) }

        val request = Sandbox.request()
        assertAllSet(PayoutRequestBuilder(request.money, request.method), setOf("money", "method")) { listOf(it) }

        val given = setOf("operatorCode", "account", "name", "number")
        val bank = BankTransferBuilder("BNK_000", "Siti", "11223344")
        assertAllSet(bank, given) { listOf(it, (it as BankTransfer).account) }
        assertAllSet(CryptoTransferBuilder("CHAIN", "0x1"), setOf("operatorCode", "account")) { listOf(it) }
        assertAllSet(WalletTransferBuilder(), setOf("account")) { listOf(it, (it as WalletTransfer).account) }
        assertAllSet(PaymentOptionFilterBuilder(), setOf()) { listOf(it) }
    }

    /**
     * Sets everything that the builder can, and looks for it in what it built, where nothing else but [given] may be.
     */
    private fun assertAllSet(builder: Any, given: Set<String>, parts: (Any) -> List<Any>) {
        val type = builder::class
        val own = setOf("set", "account")
        val setters = type.declaredMemberFunctions.filter { it.returnType.classifier == type && it.name !in own }
        val values = setters.associate { it.name to value(it.parameters.last().type) }
        val arguments = values.mapValues { (_, value) -> if (value is List<*>) array(value.single()) else value }
        setters.forEach { it.call(builder, arguments[it.name]) }
        val built = type.declaredMemberFunctions.single { it.name == "build" }.call(builder)!!
        val found = parts(built).flatMap { part ->
            part::class.memberProperties.map { it.name to it.getter.call(part) }
        }
        assertEquals(values, found.toMap() - given)
    }

    private fun array(value: Any?): Array<*> = if (value is Money) arrayOf(value) else arrayOf(value as String)

    private fun value(type: KType): Any = when (type.classifier as KClass<*>) {
        String::class -> "text"
        Boolean::class -> false
        Int::class -> 7
        Double::class -> 7.5
        Duration::class -> Duration.ofSeconds(7)
        TokenScope::class -> TokenScope.EVERYTHING
        ChangeStore::class -> ChangeStore.memory()
        PaymentTypeCode::class -> PaymentTypeCode.Unknown("text")
        else -> listOf(if (type.arguments.single().type!!.classifier == String::class) "text" else Money(7, "IDR"))
    }
}
