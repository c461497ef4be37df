package id.komopay

import id.komopay.ffi.NativeClient
import java.io.File
import kotlin.reflect.KMutableProperty
import kotlin.reflect.KVisibility
import kotlin.reflect.full.memberProperties
import kotlin.reflect.jvm.kotlinFunction
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
    fun `what is generated around the values is nobody's to use`() {
        val code = File(NativeClient::class.java.protectionDomain.codeSource.location.toURI())
        val names = File(code, "id/komopay/ffi").list()!!.map { "id.komopay.ffi.${it.removeSuffix(".class")}" }
        val all = names.map { Class.forName(it, false, javaClass.classLoader) }
        val kinds = all.groupBy { it.getAnnotation(Metadata::class.java)?.kind }
        val classes = kinds.getValue(CLASS).filter { it.enclosingClass == null }
        val functions = kinds.getValue(FILE).flatMap { it.declaredMethods.asList() }.mapNotNull { it.kotlinFunction }
        assertTrue(classes.size > 100 && functions.size > 10, "${classes.size} classes, ${functions.size} functions")
        assertEquals(listOf<Any>(), classes.filter { it.kotlin.visibility == KVisibility.PUBLIC })
        assertEquals(listOf<Any>(), functions.filter { it.visibility == KVisibility.PUBLIC })
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

    private companion object {
        /** What the compiler notes of a class, and of what belongs to none. */
        const val CLASS = 1
        const val FILE = 2
    }

    private fun kotlin.reflect.KClass<*>.member(name: String) =
        memberProperties.single { it.name == name }.returnType.classifier
}
