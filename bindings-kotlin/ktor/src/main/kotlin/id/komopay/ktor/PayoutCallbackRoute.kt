/* Payout callbacks in a Ktor server. */
package id.komopay.ktor

import id.komopay.Client
import id.komopay.InvalidCallbackException
import id.komopay.PayoutCallbacks
import id.komopay.PayoutChange
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.ApplicationStopping
import io.ktor.server.application.log
import io.ktor.server.request.contentLength
import io.ktor.server.request.uri
import io.ktor.server.response.respond
import io.ktor.server.routing.Route
import io.ktor.server.routing.application
import io.ktor.server.routing.post
import io.ktor.utils.io.readRemaining
import java.time.Duration
import kotlinx.io.readByteArray

/**
 * Receives the callbacks of payouts below this route, and gives each change of a payout to [handler]: see [PayoutCallbacks].
 *
 * It answers 200 when the change is in the client's `changeStore`, refuses what is not signed before it is looked at, and
 * reads no more of a body than a callback can have. It ends with the server; close the client after that.
 *
 * ```
 * routing {
 *     route("/komopay") { payoutCallbacks(client) { change -> orders.update(change.payoutId, change.payout.status) } }
 * }
 * ```
 *
 * The callback URL of a request is then `client.callbackUrl("https://shop.example/komopay", payoutId)`.
 *
 * @param client With `callbackKeys` and a `changeStore`; without a store it is refused with a `ConfigurationException`.
 * @param pollInterval How often the store is asked for what this server was not told of: changes that other processes
 * recorded, and those whose lease has ended.
 */
public fun Route.payoutCallbacks(
    client: Client,
    pollInterval: Duration = Duration.ofSeconds(5),
    handler: suspend (PayoutChange) -> Unit,
) {
    val log = application.log
    val callbacks = PayoutCallbacks(client, pollInterval, { text, thrown ->
        // Anybody can send one that is refused, and as many as they like.
        if (thrown is InvalidCallbackException) log.info("{}: {}", text, thrown.message) else log.warn(text, thrown)
    }, handler)
    application.monitor.subscribe(ApplicationStopping) { callbacks.close() }
    post("{...}") {
        val limit = callbacks.bodyLimit
        val tooLong = (call.request.contentLength() ?: 0) >= limit
        // Of what is too long nothing is read: it is refused for its length alone.
        val body = if (tooLong) ByteArray(limit) else call.request.receiveChannel().readRemaining(limit.toLong()).readByteArray()
        call.respond(HttpStatusCode.fromValue(callbacks.receive(body, call.request.uri)))
    }
}
