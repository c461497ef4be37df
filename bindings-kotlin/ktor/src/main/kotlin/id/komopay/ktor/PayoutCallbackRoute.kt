/* Payout callbacks in a Ktor server. */
package id.komopay.ktor

import id.komopay.Client
import id.komopay.PayoutCallbacks
import id.komopay.PayoutChange
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.ApplicationStopping
import io.ktor.server.application.log
import io.ktor.server.request.contentLength
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.uri
import io.ktor.server.response.respond
import io.ktor.server.routing.Route
import io.ktor.server.routing.application
import io.ktor.server.routing.post
import io.ktor.utils.io.readRemaining
import java.time.Duration
import kotlinx.io.readByteArray

/**
 * Receives the callbacks of payouts below this route, and gives each change of a payout to [handler]: see
 * [PayoutCallbacks].
 *
 * It answers 200 when the change is in the client's `changeStore`, refuses what is not signed before it is looked at,
 * and reads no more of a body than a callback can have. It ends with the server; close the client after that.
 *
 * Let it stand outside of `authenticate` and of the route that has the `CSRF` plugin: the platform logs in nowhere, and
 * the signature in the URL is what is checked. Where something reads bodies before the routes, install `DoubleReceive`.
 *
 * ```
 * routing {
 *     route("/komopay") { payoutCallbacks(client) { change -> orders.update(change.payoutId, change.payout.status) } }
 * }
 * ```
 *
 * The callback URL of a request is then `client.callbackUrl("https://shop.example/komopay", payoutId)`.
 *
 * @param client With `callbackKeys` and a `changeStore`; without them it is refused with a `ConfigurationException`.
 * @param pollInterval How often the store is asked for what this server was not told of: changes that other processes
 * recorded, and those whose lease has ended.
 */
public fun Route.payoutCallbacks(
    client: Client,
    pollInterval: Duration = Duration.ofSeconds(5),
    handler: suspend (PayoutChange) -> Any?,
) {
    val log = application.log
    val callbacks = PayoutCallbacks(client, pollInterval, { text, thrown -> log.warn(text, thrown) }, handler)
    application.monitor.subscribe(ApplicationStopping) { callbacks.close() }
    post("{...}") {
        val limit = callbacks.bodyLimit
        val length = call.request.contentLength() ?: 0
        // Of what is too long nothing is read: it is refused for its length alone.
        val body = if (length >= limit) {
            ByteArray(limit)
        } else {
            // By way of the plugins: one of them may have the body of a request that was read before.
            call.receiveChannel().readRemaining(limit.toLong()).readByteArray()
        }
        // Answered with 500, and logged. Taken for an empty body, every callback would be refused as the sender's
        // fault.
        check(body.isNotEmpty() || length == 0L) { "the body was read before the route: install DoubleReceive" }
        call.respond(HttpStatusCode.fromValue(callbacks.receive(body, call.request.uri)))
    }
}
