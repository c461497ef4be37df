package id.komopay.test

import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.BlockingClient
import id.komopay.Client
import id.komopay.ClosedException
import id.komopay.Money
import id.komopay.PayoutRequest
import java.math.BigDecimal
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.extension.ExtendWith
import org.junit.jupiter.api.extension.RegisterExtension
import org.junit.platform.engine.discovery.DiscoverySelectors.selectClass
import org.junit.platform.testkit.engine.EngineTestKit
import org.junit.platform.testkit.engine.EngineExecutionResults

class KomopayExtensionTest {
    @Test
    fun `each test has a sandbox of its own, and clients of it`() {
        given.clear()
        run(Good::class.java).testEvents().assertStatistics { it.succeeded(2).failed(0) }
        val (sandboxes, clients) = given.partition { it is Sandbox }
        assertEquals(2, sandboxes.toSet().size)
        for (sandbox in sandboxes) assertThrows(IllegalStateException::class.java) { (sandbox as Sandbox).ledger() }
        assertEquals(2, clients.size)
        for (client in clients) {
            assertThrows(ClosedException::class.java) { (client as BlockingClient).merchantInfo() }
        }
    }

    @Test
    fun `the report of a test that fails shows the ledger`() {
        assertTrue(Regex("the sandbox's ledger: \n.* executed A-1 10000 IDR payee \\w+\n.* booked .*")
            .matches(reported(Bad::class.java)))
        assertEquals("the sandbox's ledger: nothing was executed", reported(BadAtItsEnd::class.java))
    }

    @Test
    fun `a constructor is told to leave it to the test`() {
        val thrown = failure(Early::class.java).message!!
        assertTrue("ask for Sandbox in the test or its @BeforeEach" in thrown, thrown)
    }

    private fun reported(tests: Class<*>): String = failure(tests).suppressed.single { it is Ledger }.message!!

    private fun failure(tests: Class<*>): Throwable {
        val finished = run(tests).testEvents().failed().list().single()
        return finished.getRequiredPayload(org.junit.platform.engine.TestExecutionResult::class.java).throwable.get()
    }

    private fun run(tests: Class<*>): EngineExecutionResults =
        EngineTestKit.engine("junit-jupiter").selectors(selectClass(tests)).execute()

    // What they run. Surefire takes no classes in classes by itself.

    @ExtendWith(KomopayExtension::class)
    class Good {
        private lateinit var before: Sandbox

        @BeforeEach
        fun begin(sandbox: Sandbox) {
            before = sandbox
        }

        @RepeatedTest(2)
        fun pays(sandbox: Sandbox, client: Client, blocking: BlockingClient) {
            assertSame(before, sandbox)
            given.addAll(listOf(sandbox, blocking))
            runBlocking { client.createPayout("A-1", request) }
            assertEquals(10_000.toBigDecimal(), blocking.getPayout("A-1").money.amount)
            assertEquals(1, sandbox.executed("A-1"))
        }
    }

    class Bad {
        @JvmField
        @RegisterExtension
        val komopay = KomopayExtension { Sandbox(balances = mapOf("IDR" to BigDecimal("10000"))) }

        @Test
        fun fails(sandbox: Sandbox, client: BlockingClient) {
            client.createPayout("A-1", request)
            assertEquals(BigDecimal.ONE, sandbox.balance("IDR").available.amount)
        }
    }

    @ExtendWith(KomopayExtension::class)
    class BadAtItsEnd {
        @Test
        fun begins(sandbox: Sandbox) = sandbox.idle()

        @AfterEach
        fun fails(): Unit = throw AssertionError("no")
    }

    @ExtendWith(KomopayExtension::class)
    class Early(private val sandbox: Sandbox) {
        @Test
        fun waits() = sandbox.idle()
    }

    private companion object {
        val given = CopyOnWriteArrayList<Any>()
        val request = PayoutRequest(
            Money("10000", "IDR"), BankTransfer("BNK_000", BankAccount("Test account", "11223344")))
    }
}
