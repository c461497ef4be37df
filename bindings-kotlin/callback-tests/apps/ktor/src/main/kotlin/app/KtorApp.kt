/* A Ktor server with the plugins that real ones have. A line on standard input stops the server, and starts another. */
package app

import id.komopay.ChangeStore
import id.komopay.Client
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.ktor.payoutCallbacks
import id.komopay.merchant
import id.komopay.sqlite
import io.ktor.http.HttpStatusCode
import io.ktor.serialization.kotlinx.json.json
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.application.install
import io.ktor.server.auth.Authentication
import io.ktor.server.auth.authenticate
import io.ktor.server.auth.basic
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import io.ktor.server.plugins.calllogging.CallLogging
import io.ktor.server.plugins.contentnegotiation.ContentNegotiation
import io.ktor.server.plugins.csrf.CSRF
import io.ktor.server.plugins.doublereceive.DoubleReceive
import io.ktor.server.plugins.statuspages.StatusPages
import io.ktor.server.request.path
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing

fun main() {
    val setting = { name: String -> System.getenv(name) ?: error("$name is not set") }
    val client = Client(Config(
        setting("KOMOPAY_BASE_URL"), Credentials.merchant(setting("KOMOPAY_MERCHANT_CODE"), setting("KOMOPAY_SECRET")),
        callbackKeys = listOf(setting("KOMOPAY_CALLBACK_KEY")),
        changeStore = ChangeStore.sqlite(setting("KOMOPAY_CHANGES"))))
    val server = { embeddedServer(CIO, port = setting("PORT").toInt(), host = "127.0.0.1") { application(client) } }
    var running = server().start(wait = false)
    while (readlnOrNull() != null) {
        running.stop(1_000, 5_000)
        running = server().start(wait = false)
        println("server started again")
    }
}

fun Application.application(client: Client) {
    install(CallLogging) { mdc("path") { it.request.path() } }
    install(StatusPages) {
        exception<Throwable> { call, thrown ->
            call.respondText("${thrown.message}", status = HttpStatusCode.InternalServerError)
        }
        status(HttpStatusCode.Forbidden) { call, status -> call.respondText("forbidden", status = status) }
    }
    install(DoubleReceive) { excludeFromCache { call, _ -> call.request.path().startsWith("/unkept") } }
    install(ContentNegotiation) { json() }
    install(Authentication) { basic { validate { null } } }
    // An audit, which reads each body before the routes do.
    intercept(ApplicationCallPipeline.Plugins) { if (call.request.path() != "/form") call.receiveText() }
    routing {
        for (path in listOf("/komopay", "/unkept")) {
            route(path) {
                payoutCallbacks(client) { println("${it.payoutId} change ${it.sequence}: ${it.payout.status}") }
            }
        }
        authenticate { get("/private") { call.respond(HttpStatusCode.OK) } }
        route("/form") {
            install(CSRF) { checkHeader("X-CSRF") }
            post { call.respond(HttpStatusCode.OK) }
        }
    }
}
