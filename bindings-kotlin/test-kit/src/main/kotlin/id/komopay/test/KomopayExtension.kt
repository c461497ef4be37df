package id.komopay.test

import id.komopay.AsyncClient
import id.komopay.AsyncPayoutClient
import id.komopay.BlockingClient
import id.komopay.BlockingPayoutClient
import id.komopay.Client
import id.komopay.PayoutClient
import java.lang.reflect.Constructor
import java.util.function.Supplier
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.extension.AfterEachCallback
import org.junit.jupiter.api.extension.ExtensionContext
import org.junit.jupiter.api.extension.ExtensionContext.Namespace
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler
import org.junit.jupiter.api.extension.ParameterContext
import org.junit.jupiter.api.extension.ParameterResolutionException
import org.junit.jupiter.api.extension.ParameterResolver
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler

/**
 * Gives each test of JUnit Jupiter that asks for one a [Sandbox] of its own, and a [Client], [BlockingClient] or
 * [AsyncClient] of it, also by their interfaces: as parameters of the test, and of its `@BeforeEach` and `@AfterEach`.
 * They are closed after the test. Of a test that fails, the report shows what happened to the money.
 *
 * ```
 * @ExtendWith(KomopayExtension::class)
 * class PayrollTest {
 *     @Test
 *     fun `a lost answer pays once`(sandbox: Sandbox, client: BlockingClient) {
 *         sandbox.loseAnswer()
 *         Payroll(client).pay("SALARY-1")
 *         assertEquals(1, sandbox.executed("SALARY-1"))
 *     }
 * }
 * ```
 *
 * With settings of its own, it is registered: `@JvmField @RegisterExtension val komopay = KomopayExtension {
 * Sandbox(balances = mapOf("IDR" to BigDecimal("50000"))) }`. Tests may run in parallel.
 *
 * @param start Starts the sandbox of a test.
 */
public class KomopayExtension(private val start: Supplier<Sandbox>) :
    ParameterResolver, AfterEachCallback, TestExecutionExceptionHandler, LifecycleMethodExecutionExceptionHandler {
    /** With a sandbox as it is by itself. */
    public constructor() : this(Supplier { Sandbox() })

    override fun supportsParameter(parameter: ParameterContext, context: ExtensionContext): Boolean =
        parameter.parameter.type in GIVEN

    override fun resolveParameter(parameter: ParameterContext, context: ExtensionContext): Any {
        if (parameter.declaringExecutable is Constructor<*> || !context.testMethod.isPresent) {
            throw ParameterResolutionException(
                "a sandbox belongs to one test: ask for ${parameter.parameter.type.simpleName} in the test or its " +
                    "@BeforeEach, and not in a constructor or @BeforeAll")
        }
        val given = given(context)
        return when (parameter.parameter.type) {
            Client::class.java, PayoutClient::class.java -> given.client
            BlockingClient::class.java, BlockingPayoutClient::class.java -> given.blockingClient
            AsyncClient::class.java, AsyncPayoutClient::class.java -> given.asyncClient
            else -> given.sandbox
        }
    }

    override fun afterEach(context: ExtensionContext) {
        context.getStore(NAMESPACE).remove(KEY, Given::class.java)?.close()
    }

    override fun handleTestExecutionException(context: ExtensionContext, throwable: Throwable): Unit =
        fail(context, throwable)

    override fun handleBeforeEachMethodExecutionException(context: ExtensionContext, throwable: Throwable): Unit =
        fail(context, throwable)

    override fun handleAfterEachMethodExecutionException(context: ExtensionContext, throwable: Throwable): Unit =
        fail(context, throwable)

    private fun given(context: ExtensionContext): Given =
        context.getStore(NAMESPACE).getOrComputeIfAbsent(KEY, { Given(start.get()) }, Given::class.java)

    private fun fail(context: ExtensionContext, thrown: Throwable): Nothing {
        context.getStore(NAMESPACE).get(KEY, Given::class.java)?.let { given ->
            // The test may have closed it.
            val ledger = runCatching { given.sandbox.ledger() }.getOrNull()
            if (ledger != null && thrown.suppressed.none { it is Ledger }) thrown.addSuppressed(Ledger(ledger))
        }
        throw thrown
    }

    /** What one test was given. */
    private class Given(val sandbox: Sandbox) {
        private val suspending = lazy { sandbox.client() }
        private val blocking = lazy { sandbox.blockingClient() }
        private val async = lazy { sandbox.asyncClient() }
        val client by suspending
        val blockingClient by blocking
        val asyncClient by async

        fun close() {
            // A create that it holds would hold up the end of the client. The test may have closed it.
            runCatching { sandbox.clearFaults() }
            if (suspending.isInitialized()) runBlocking { client.close() }
            if (blocking.isInitialized()) blockingClient.close()
            if (async.isInitialized()) asyncClient.close()
            sandbox.close()
        }
    }

    private companion object {
        val NAMESPACE: Namespace = Namespace.create(KomopayExtension::class.java)
        const val KEY = "given"
        val GIVEN = setOf(
            Sandbox::class.java, Client::class.java, PayoutClient::class.java, BlockingClient::class.java,
            BlockingPayoutClient::class.java, AsyncClient::class.java, AsyncPayoutClient::class.java,
        )
    }
}

/** Stands in the report of a failed test, behind what failed. */
internal class Ledger(entries: List<LedgerEntry>) : Exception(
    "the sandbox's ledger: " + if (entries.isEmpty()) "nothing was executed" else entries.joinToString("\n", "\n"),
    null, false, false,
)
