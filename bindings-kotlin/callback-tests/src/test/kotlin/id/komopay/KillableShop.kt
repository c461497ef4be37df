/* A shop whose handler goes on when it is told to, by a line: so that it can be killed before. */
package id.komopay

import id.komopay.ktor.payoutCallbacks
import io.ktor.server.application.ApplicationStopped
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import java.time.Duration
import kotlinx.coroutines.runBlocking

fun main() {
    val setting = { name: String -> System.getenv(name) ?: error("$name is not set") }
    val client = Client(Config(
        setting("KOMOPAY_BASE_URL"), Credentials.merchant(setting("KOMOPAY_MERCHANT_CODE"), setting("KOMOPAY_SECRET")),
        callbackKeys = listOf(setting("KOMOPAY_CALLBACK_KEY")),
        changeStore = ChangeStore.sqlite(setting("KOMOPAY_CHANGES")), changeLease = Duration.ofMillis(300)))
    embeddedServer(CIO, host = "127.0.0.1", port = setting("PORT").toInt()) {
        routing {
            route("/komopay") {
                payoutCallbacks(client, Duration.ofMillis(20)) { change ->
                    val name = "${change.sequence} ${change.payout.status}"
                    println("${change.payoutId} begins $name")
                    readln()
                    println("${change.payoutId} ends $name")
                }
            }
        }
        monitor.subscribe(ApplicationStopped) { runBlocking { client.close() } }
    }.start(wait = true)
}
