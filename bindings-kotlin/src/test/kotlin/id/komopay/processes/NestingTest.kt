package id.komopay.processes

import id.komopay.Sandbox
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test

/** `runBlocking` in `runBlocking`, where the only thread of a dispatcher is the one that waits. */
@Tag("process-model")
class NestingTest {
    private val sandbox = Sandbox()

    @AfterEach
    fun stop() = sandbox.close()

    @Test
    fun `calls inside runBlocking inside runBlocking end, also where a dispatcher has one thread`() {
        Jvm("nest", sandbox.url, options = oneThread).use { jvm ->
            assertEquals(0, jvm.end(), jvm.output.joinToString("\n"))
            assertEquals(6 + 4, jvm.output.count { it.startsWith("out: paid on ") }, "${jvm.output}")
        }
        assertEquals((6 + 4) * 5, sandbox.ledger().count { it.startsWith("executed") })
    }

    @Test
    fun `a call that holds the thread that its token provider needs ends at its deadline, and sent nothing`() {
        Jvm("starve-a-provider", sandbox.url, options = oneThread).use { jvm ->
            assertEquals(0, jvm.end(), jvm.output.joinToString("\n"))
            val ends = listOf("TIMED_OUT", "UNAVAILABLE").map { listOf("out: ended: $it, may have moved: false") }
            assertTrue(jvm.output.toList() in ends, "${jvm.output}")
        }
        assertEquals(0, sandbox.calls("create_payout"))
    }

    private companion object {
        val oneThread =
            listOf("-Dkotlinx.coroutines.scheduler.core.pool.size=1", "-Dkotlinx.coroutines.io.parallelism=1")
    }
}
