package id.komopay.processes

import id.komopay.Sandbox
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** What becomes of payouts when the JVM shuts down: it does not hang, and every id has an outcome or is named. */
@Tag("process-model")
class ShutdownTest {
    private val sandbox = Sandbox()

    @AfterEach
    fun stop() = sandbox.close()

    @ParameterizedTest
    @ValueSource(strings = ["SIGTERM", "exit", "main"])
    fun `without a hook of the application the log and standard error name every create under way`(way: String) {
        sandbox.hold("create_payout")
        Jvm("leave", sandbox.url, way).use { jvm ->
            sandbox.awaitCalls("create_payout", 8)
            if (way == "SIGTERM") jvm.terminate() else jvm.goOn()
            assertEquals(if (way == "SIGTERM") 143 else 0, jvm.end())
            repeat(8) { number ->
                for (where in listOf("out: log WARN", "err: komopay:")) {
                    val named = jvm.output.filter { it.startsWith(where) && "A-$number" in it && "resume" in it }
                    assertEquals(1, named.size, "$where A-$number in ${jvm.output}")
                }
            }
            assertNothingSecret(jvm)
        }
        sandbox.clearFaults()
        // Held, each went on without its client: so its id had to be named.
        assertEquals(8, sandbox.ledger().count { it.startsWith("executed") })
    }

    @Test
    fun `a create that ends in the time that it is given is heard of and not named`() {
        sandbox.hold("create_payout")
        Jvm("leave", sandbox.url, "SIGTERM").use { jvm ->
            sandbox.awaitCalls("create_payout", 8)
            jvm.terminate().await("shutting down")
            sandbox.clearFaults()
            assertEquals(143, jvm.end())
            assertEquals(listOf<String>(), jvm.output.filter { "may have been made" in it })
        }
        assertEquals(8, sandbox.ledger().count { it.startsWith("executed") })
    }

    @ParameterizedTest
    @ValueSource(strings = ["leave-without-a-logger", "leave-with-a-logger-that-hangs"])
    fun `where no log is heard standard error names the id`(program: String) {
        sandbox.hold("create_payout")
        Jvm(program, sandbox.url).use { jvm ->
            sandbox.awaitCalls("create_payout", 1)
            assertEquals(143, jvm.terminate().end())
            assertNamed(jvm, "A-0")
        }
    }

    @Test
    fun `a create is named also when its caller has left and its client is collected`() {
        sandbox.hold("create_payout")
        Jvm("leave-a-client-that-is-gone", sandbox.url).use { jvm ->
            sandbox.awaitCalls("create_payout", 1)
            jvm.goOn().await("collected")
            assertEquals(143, jvm.terminate().end())
            assertNamed(jvm, "A-0")
        }
    }

    @Test
    fun `closing in a hook waits for the create on the wire, and its outcome is known`() {
        sandbox.hold("create_payout")
        Jvm("close-in-a-hook", sandbox.url).use { jvm ->
            sandbox.awaitCalls("create_payout", 1)
            jvm.terminate().await("closing")
            // The longest that ours waits does not end the waiting of the application.
            jvm.await("A-0 may have been made")
            assertEquals(listOf<String>(), jvm.output.filter { "ended" in it })
            sandbox.clearFaults()
            assertEquals(143, jvm.end())
            assertTrue("out: A-0 ended: accepted" in jvm.output, "${jvm.output}")
            assertTrue("out: closed, under way: []" in jvm.output, "${jvm.output}")
        }
        assertEquals(listOf("executed A-0 10000 IDR", "booked A-0 10000 IDR"), sandbox.ledger())
    }

    @Test
    fun `a call in a hook after ours is refused, of a new client too, and sends nothing`() {
        Jvm("call-in-a-hook", sandbox.url).use { jvm ->
            // Its first call shows that its hook is there.
            jvm.await("ready")
            assertEquals(143, jvm.terminate().end())
            assertTrue("out: create: CLOSED" in jvm.output, "${jvm.output}")
            assertTrue("out: create, new client: CLOSED" in jvm.output, "${jvm.output}")
        }
        assertEquals(0, sandbox.calls("create_payout"))
    }

    @Test
    fun `an application that sees to the end itself pays in its hook`() {
        Jvm("pay-in-a-hook", sandbox.url).use { jvm ->
            jvm.await("ready")
            assertEquals(143, jvm.terminate().end())
            assertTrue("out: paid" in jvm.output, "${jvm.output}")
        }
        assertEquals(2, sandbox.ledger().count { it.startsWith("executed") })
    }

    @Test
    fun `one hook serves all clients, and goes with the last one, closed or collected`() {
        Jvm("hooks", sandbox.url, options = listOf("--add-opens=java.base/java.lang=ALL-UNNAMED")).use { jvm ->
            assertEquals(0, jvm.end(), jvm.output.joinToString("\n"))
            val counted = listOf("two open: 1", "one open: 1", "none open: 0", "dropped: 1", "collected: 0")
            assertEquals(counted.map { "out: $it" }, jvm.output)
        }
    }

    private fun assertNamed(jvm: Jvm, id: String) {
        val logged = jvm.output.filter { it.startsWith("err: komopay:") }
        val named = logged.filter { id in it && "same id, the same request and resume" in it }
        assertEquals(1, named.size, "${jvm.output}")
        assertNothingSecret(jvm)
    }

    private fun assertNothingSecret(jvm: Jvm) {
        val hidden = listOf(Sandbox.SECRET, Sandbox.ACCOUNT, "Bearer", "eyJ")
        val shown = jvm.output.filter { line -> hidden.any { it in line } }
        assertEquals(listOf<String>(), shown)
    }
}
