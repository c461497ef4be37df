/*
 * A shop with Ktor: it makes payouts, and hears of their changes by callbacks. The changes wait in a file until the
 * shop has handled them, also while it is down.
 *
 * The settings come from the environment: KOMOPAY_BASE_URL, KOMOPAY_MERCHANT_CODE, KOMOPAY_SECRET;
 * KOMOPAY_CALLBACK_KEY, which `openssl rand -hex 32` makes; KOMOPAY_CHANGES, the file; and PORT.
 */
package example

import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.ChangeStore
import id.komopay.Client
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.PayoutRequest
import id.komopay.ktor.payoutCallbacks
import id.komopay.merchant
import id.komopay.sqlite
import io.ktor.server.application.ApplicationStopped
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import io.ktor.server.response.respondText
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.server.util.getOrFail
import kotlinx.coroutines.runBlocking

fun main() {
    val setting = { name: String -> System.getenv(name) ?: error("$name is not set") }
    val port = setting("PORT").toInt()
    val client = Client(Config(
        setting("KOMOPAY_BASE_URL"), Credentials.merchant(setting("KOMOPAY_MERCHANT_CODE"), setting("KOMOPAY_SECRET")),
        callbackKeys = listOf(setting("KOMOPAY_CALLBACK_KEY")),
        changeStore = ChangeStore.sqlite(setting("KOMOPAY_CHANGES"))))
    val payee = BankTransfer("BNK_000", BankAccount("Test account", "11223344"), emailAddress = "customer@test.com")

    embeddedServer(CIO, host = "127.0.0.1", port = port) {
        routing {
            route("/komopay") {
                // It may come twice, after a crash: a database would keep the number of the change beside the status.
                payoutCallbacks(client) { change ->
                    println("${change.payoutId} change ${change.sequence}: ${change.payout.status}")
                }
            }
            post("/payouts/{id}") {
                val id = call.parameters.getOrFail("id")
                // In your shop: https, and a host that the platform can reach.
                val url = client.callbackUrl("http://127.0.0.1:$port/komopay", id)
                client.createPayout(id, PayoutRequest(Money("10000", "IDR"), payee, callbackUrl = url))
                call.respondText("accepted\n")
            }
        }
        monitor.subscribe(ApplicationStopped) { runBlocking { client.close() } }
    }.start(wait = true)
}
