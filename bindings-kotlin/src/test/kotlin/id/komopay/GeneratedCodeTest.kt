package id.komopay

import id.komopay.ffi.NativeClient
import kotlin.reflect.KMutableProperty
import kotlin.reflect.full.memberProperties
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** That uniffi.toml was really used: UniFFI generates without it, too, other code. */
class GeneratedCodeTest {
    @Test
    fun `the generated package is ours, and no other`() {
        assertEquals("id.komopay.ffi", NativeClient::class.java.packageName)
        assertThrows<ClassNotFoundException> { Class.forName("uniffi.komopay_ffi.NativeClient") }
    }

    @Test
    fun `the generated values do not change`() {
        val values =
            listOf(Config::class, PayoutRequest::class, BankAccount::class, Payout::class, PayoutAccepted::class)
        assertEquals(listOf<Any>(), values.flatMap { it.memberProperties }.filterIsInstance<KMutableProperty<*>>())
    }

    @Test
    fun `money and time have the types of the JVM`() {
        assertEquals(Money::class, Payout::class.member("money"))
        assertEquals(java.time.Duration::class, Config::class.member("totalTimeout"))
        assertEquals(java.time.Instant::class, Payout::class.member("createdAt"))
    }

    @Test
    fun `the library tells its version and where the sandbox is`() {
        assertTrue(VERSION.matches(Regex("""\d+\.\d+\.\d+""")), VERSION)
        assertEquals("https://api.sandbox.komopay.id", SANDBOX_URL)
    }

    private fun kotlin.reflect.KClass<*>.member(name: String) =
        memberProperties.single { it.name == name }.returnType.classifier
}
