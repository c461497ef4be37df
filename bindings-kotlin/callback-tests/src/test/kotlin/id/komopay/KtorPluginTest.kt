package id.komopay

import id.komopay.ktor.Komopay
import id.komopay.ktor.komopay
import io.ktor.server.application.install
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import io.ktor.server.application.Application
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The client that a Ktor server has by its plugin. */
class KtorPluginTest {
    private val sandbox = Sandbox()

    @AfterEach
    fun stop() = sandbox.close()

    @Test
    fun `a client that the plugin made is closed with the server, and one that it was given is not`() = runBlocking {
        lateinit var own: Client
        val given = Client(sandbox.config())
        started { install(Komopay) { config = sandbox.config() }; own = komopay }
        started { install(Komopay) { client = given }; assertSame(given, komopay) }
        assertThrows(ClosedException::class.java) { runBlocking { own.merchantInfo() } }
        given.merchantInfo()
        given.close()
    }

    @Test
    fun `the client is used by calls until it is closed`() = runBlocking {
        started {
            install(Komopay) { config = sandbox.config() }
            runBlocking { komopay.createPayout("A-1", Sandbox.request()) }
        }
        assertEquals("executed A-1 10000 IDR", sandbox.ledger().first())
    }

    @Test
    fun `without a client, or with two, it says what it needs`() {
        for (install in listOf<Application.() -> Unit>(
            { install(Komopay) },
            { install(Komopay) { config = sandbox.config(); client = Client(sandbox.config()) } },
        )) {
            val refused = assertThrows(IllegalArgumentException::class.java) { started(install) }
            assertTrue("install(Komopay) needs a config" in refused.message!!, refused.message)
        }
        val early = assertThrows(IllegalStateException::class.java) { started { komopay } }
        assertTrue("install(Komopay) comes before" in early.message!!, early.message)
        val settings = sandbox.config().copy(totalTimeout = java.time.Duration.ZERO)
        val setting = assertThrows(ConfigurationException::class.java) {
            started { install(Komopay) { config = settings } }
        }
        assertEquals("total_timeout", setting.field)
    }

    /** A server that starts and stops. */
    private fun started(module: Application.() -> Unit) {
        val server = embeddedServer(CIO, port = 0, host = "127.0.0.1", module = module)
        server.start(wait = false)
        server.stop(0, 1_000)
    }
}
