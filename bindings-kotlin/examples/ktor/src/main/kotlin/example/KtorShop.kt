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
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.PayoutRequest
import id.komopay.ktor.Komopay
import id.komopay.ktor.komopay
import id.komopay.merchant
import id.komopay.sqlite
import io.ktor.server.application.install
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import io.ktor.server.response.respondText
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.server.util.getOrFail

fun main() {
    val setting = { name: String -> System.getenv(name) ?: error("$name is not set") }
    val port = setting("PORT").toInt()
    val payee = BankTransfer("BNK_000", BankAccount("Test account", "11223344"), emailAddress = "customer@test.com")

    embeddedServer(CIO, host = "127.0.0.1", port = port) {
        install(Komopay) {
            val merchant = Credentials.merchant(setting("KOMOPAY_MERCHANT_CODE"), setting("KOMOPAY_SECRET"))
            config = Config(
                setting("KOMOPAY_BASE_URL"), merchant, callbackKeys = listOf(setting("KOMOPAY_CALLBACK_KEY")),
                changeStore = ChangeStore.sqlite(setting("KOMOPAY_CHANGES")))
            // It may come twice, after a crash: a database would keep the number of the change beside the status.
            callbacks("/komopay") { change ->
                println("${change.payoutId} change ${change.sequence}: ${change.payout.status}")
            }
        }
        routing {
            post("/payouts/{id}") {
                val id = call.parameters.getOrFail("id")
                // In your shop: https, and a host that the platform can reach.
                val url = call.komopay.callbackUrl("http://127.0.0.1:$port/komopay", id)
                call.komopay.createPayout(id, PayoutRequest(Money("10000", "IDR"), payee, callbackUrl = url))
                call.respondText("accepted\n")
            }
        }
    }.start(wait = true)
}
