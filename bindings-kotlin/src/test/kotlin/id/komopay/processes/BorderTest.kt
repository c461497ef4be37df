package id.komopay.processes

import id.komopay.Sandbox
import java.io.File
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test

/** Threads that the native half of a call may not take for granted: with little room, or virtual. */
@Tag("process-model")
class BorderTest {
    private val sandbox = Sandbox()

    @AfterEach
    fun stop() = sandbox.close()

    @Test
    fun `a thread with little stack pays as any other, and at the end of a stack nothing is lost`() {
        Jvm("pay-with-little-room", sandbox.url).use { jvm ->
            assertEquals(0, jvm.end(), jvm.output.joinToString("\n"))
            val said = jvm.output.map { it.removePrefix("out: ") }
            assertEquals(listOf("192", "256", "384", "1024").map { "$it: accepted" }, said.filter { ": acc" in it })
            val descent = said.filter { it.startsWith("D-") }
            val ends = descent.associate { it.substringBefore(' ') to it.substringAfter(' ') }
            // At the very end there is no room to say how it went.
            assertTrue(ends.size > 50 && ends.values.last() == "accepted", "$ends")
            val executed = sandbox.ledger().filter { it.startsWith("executed D-") }.map { it.split(' ')[1] }.toSet()
            for ((id, end) in ends) {
                if (end == "accepted") assertTrue(id in executed, "$id $end")
                if ("moved: false" in end) assertTrue(id !in executed, "$id $end")
            }
            assertTrue("alive" in said)
        }
    }

    @Test
    fun `virtual threads do not hold their carrier while they wait, and an interrupt releases them`() {
        sandbox.hold("create_payout")
        val one = listOf("parallelism", "maxPoolSize").map { "-Djdk.virtualThreadScheduler.$it=1" }
        Jvm("pay-on-virtual-threads", sandbox.url, options = one, java = newestJava()).use { jvm ->
            // All of them are on the wire, and the one carrier still has time for others.
            sandbox.awaitCalls("create_payout", 8)
            jvm.goOn().await("left")
            sandbox.awaitCalls("create_payout", 9)
            jvm.goOn().await("interrupted: java.lang.InterruptedException")
            sandbox.clearFaults()
            assertEquals(0, jvm.goOn().end(), jvm.output.joinToString("\n"))
            assertEquals(8, jvm.output.count { it == "out: ended: accepted" }, "${jvm.output}")
        }
        assertEquals(9, sandbox.calls("create_payout"))
    }

    /** Of those that are beside the one of this test. */
    private fun newestJava(): String? {
        val beside = File(System.getProperty("java.home")).canonicalFile.parentFile.listFiles().orEmpty()
        val installed = beside.filter { it.resolve("bin/java").canExecute() && it.resolve("release").exists() }
        return installed.maxByOrNull(::version)?.resolve("bin/java")?.path
    }

    private fun version(home: File) =
        Regex("JAVA_VERSION=\"(\\d+)").find(home.resolve("release").readText())!!.groupValues[1].toInt()
}
