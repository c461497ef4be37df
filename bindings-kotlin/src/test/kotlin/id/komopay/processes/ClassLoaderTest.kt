package id.komopay.processes

import id.komopay.Sandbox
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

/** Many applications in one JVM, as a container has them, and as redeploying makes them. The figures are Linux's. */
@Tag("process-model")
class ClassLoaderTest {
    /** JNA keeps the class loader that has it, for ever. So applications only go where the SDK is not in them. */
    @ParameterizedTest
    @CsvSource("in each application,$REDEPLOYS,24576", "shared,0,1024")
    fun `applications pay at the same time, and what an undeployed one leaves is known`(
        sdk: String,
        kept: Int,
        boundKib: Int,
    ) {
        val jvm = Sandbox().use { sandbox ->
            sandbox.hold("create_payout")
            val options = listOf("-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC")
            val jvm = Jvm("redeploy", sandbox.url, "$REDEPLOYS", sdk, options = options)
            // All five are on the wire before one of them goes on.
            sandbox.awaitCalls("create_payout", 5)
            sandbox.clearFaults()
            val figures = jvm.await("figures")
            println("SDK $sdk: ${figures.substringAfter("figures: ")}")
            val (loaders, kib) = Regex("""(\d+) of.* (-?\d+) KiB""").find(figures)!!.destructured
            assertEquals(kept, loaders.toInt())
            assertTrue(kib.toInt() <= boundKib, figures)
            assertEquals(5 + REDEPLOYS, sandbox.ledger().count { it.startsWith("executed") })
            jvm
        }
        // The gateway is gone: connections that applications left open have been closed.
        jvm.goOn().use {
            assertEquals(0, it.end(), it.output.joinToString("\n"))
            assertTrue("out: alive" in it.output)
        }
    }

    @Test
    fun `a create that an undeployed application left is named when the JVM shuts down`() {
        Sandbox().use { sandbox ->
            sandbox.hold("create_payout")
            Jvm("undeploy-with-a-create-under-way", sandbox.url).use { jvm ->
                sandbox.awaitCalls("create_payout", 1)
                jvm.goOn().await("undeployed")
                assertEquals(143, jvm.terminate().end())
                assertEquals(1, jvm.output.count { it.startsWith("err: komopay:") && "A-0" in it }, "${jvm.output}")
            }
        }
    }

    private companion object {
        const val REDEPLOYS = 50
    }
}
