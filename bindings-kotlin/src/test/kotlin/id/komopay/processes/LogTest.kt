package id.komopay.processes

import id.komopay.Sandbox
import java.io.File
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test

/** Where the log goes of a program that says nothing about it. */
@Tag("process-model")
class LogTest {
    private val sandbox = Sandbox()

    @AfterEach
    fun stop() = sandbox.close()

    @Test
    fun `where SLF4J is, the log goes there`() {
        Jvm("pay-once", sandbox.url, options = listOf("-Dlogback.configurationFile=logback-heard.xml")).use { jvm ->
            assertEquals(0, jvm.end())
            assertTrue(jvm.output.any { it.matches(Regex("out: DEBUG id.komopay .*payout_id=A-1.* POST /payouts.*")) })
            assertEquals("out: paid", jvm.output.last())
        }
    }

    @Test
    fun `where SLF4J is not, the program pays and hears nothing`() {
        val without = System.getProperty("java.class.path").split(File.pathSeparator)
            .filterNot { Regex("(slf4j|logback)-").containsMatchIn(File(it).name) }
        Jvm("pay-once", sandbox.url, classPath = without.joinToString(File.pathSeparator)).use { jvm ->
            assertEquals(0, jvm.end())
            assertEquals(listOf("out: paid"), jvm.output)
        }
    }
}
