package id.komopay

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource

/** An application's build decides which Kotlin and coroutines there are: what frameworks bring, and what is too old. */
class LibrariesTest {
    @ParameterizedTest
    @ValueSource(strings = ["oldest", "ktor-3.2", "spring-boot-4", "newest"])
    fun `it pays with the libraries that frameworks bring, old and new`(libraries: String) = Sandbox().use { sandbox ->
        assertEquals(listOf("paid A-1"), pay(sandbox, libraries))
        assertEquals(listOf("executed A-1 10000 IDR", "booked A-1 10000 IDR"), sandbox.ledger())
    }

    @ParameterizedTest
    @CsvSource(
        "old-kotlin,kotlin-stdlib,1.8.22,kotlin.version",
        "old-coroutines,kotlinx-coroutines-core-jvm,1.7.3,kotlin-coroutines.version",
    )
    fun `libraries that are too old are refused when a client is made, and the error says what to change`(
        libraries: String,
        artifact: String,
        version: String,
        property: String,
    ) = Sandbox().use { sandbox ->
        val said = pay(sandbox, libraries).single()
        assertTrue(said.startsWith("no client: ConfigurationException: "), said)
        val parts = listOf("$artifact is too old: version $version", "or newer", property)
        for (part in parts) assertTrue(part in said, said)
        assertEquals(0, sandbox.calls("issue_token"))
    }

    @Test
    fun `without coroutines there is no client, and the error names the library`() = Sandbox().use { sandbox ->
        val said = pay(sandbox, "oldest") { "coroutines" !in it.name }.single()
        assertTrue(said.startsWith("no client: ConfigurationException: "), said)
        assertTrue("kotlinx-coroutines-core-jvm is not on" in said, said)
    }

    @Test
    fun `the oldest libraries are those that it is compiled with`() {
        assertEquals(System.getProperty("komopay.oldest"), "${Libraries.KOTLIN} ${Libraries.COROUTINES}")
        for (version in listOf("1.9.25", "1.9.26", "1.10", "2.0.0-RC1", "2", "what?")) {
            assertTrue(Libraries.isAtLeast(version, "1.9.25"), version)
        }
        for (version in listOf("1.9.24", "1.9", "1.8.99", "0.9.25", "1.9.3-dev")) {
            assertEquals(false, Libraries.isAtLeast(version, "1.9.25"), version)
        }
    }

    /** What the program says that has only the SDK, JNA and these libraries. */
    private fun pay(sandbox: Sandbox, libraries: String, isThere: (File) -> Boolean = { true }): List<String> {
        val own = System.getProperty("java.class.path").split(File.pathSeparator)
            .filter { !it.endsWith(".jar") || File(it).name.startsWith("jna-") }
        val folder = File(System.getProperty("komopay.libraries"), libraries)
        val jars = folder.listFiles()!!.filter(isThere).map { it.path }
        val java = ProcessHandle.current().info().command().get()
        val path = (own + jars).joinToString(File.pathSeparator)
        val program = listOf(java, "-cp", path, "id.komopay.Pays", sandbox.url, Sandbox.CODE, Sandbox.SECRET)
        val process = ProcessBuilder(program).redirectErrorStream(true).start()
        return process.inputStream.bufferedReader().readLines().filterNot { it.startsWith("SLF4J") }
    }
}
