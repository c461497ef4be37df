/* A client as a plugin of a Ktor server. */
package id.komopay.ktor

import id.komopay.Client
import id.komopay.Config
import id.komopay.PayoutChange
import id.komopay.setShutdownHook
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.ApplicationPlugin
import io.ktor.server.application.ApplicationStopped
import io.ktor.server.application.ApplicationStopping
import io.ktor.server.application.createApplicationPlugin
import io.ktor.server.application.log
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.util.AttributeKey
import java.time.Duration
import kotlinx.coroutines.runBlocking

/** What the plugin [Komopay] is made of. */
public class KomopayPlugin {
    /**
     * The settings of a client that the server has for itself: it is made when the plugin is installed, and closed when
     * the server has stopped. A setting that cannot be used is a `ConfigurationException` that names it.
     */
    public var config: Config? = null

    /** A client that the application made, and closes, itself: in place of [config]. */
    public var client: Client? = null

    internal val routes = mutableListOf<Callbacks>()

    /**
     * Receives callbacks at a path and below it, and gives each change of a payout to [handler]: see [payoutCallbacks],
     * which does the same within a route.
     *
     * @param path Where they come, such as `/komopay`.
     * @param pollInterval How often the store is asked for what this server was not told of.
     */
    public fun callbacks(
        path: String,
        pollInterval: Duration = Duration.ofSeconds(5),
        handler: suspend (PayoutChange) -> Any?,
    ) {
        routes += Callbacks(path, pollInterval, handler)
    }

    internal class Callbacks(val path: String, val pollInterval: Duration, val handler: suspend (PayoutChange) -> Any?)
}

/**
 * Gives a server a client, [komopay], and receives callbacks.
 *
 * ```
 * install(Komopay) {
 *     config = Config(url, credentials, callbackKeys = listOf(key), changeStore = ChangeStore.sqlite(file))
 *     callbacks("/komopay") { change -> orders.update(change.payoutId, change.payout.status) }
 * }
 * routing {
 *     post("/payouts/{id}") { call.komopay.createPayout(call.parameters.getOrFail("id"), request) }
 * }
 * ```
 *
 * A client that is made here is closed as the last thing, and waits for the creates that are under way. So it takes
 * calls until then, also while the JVM shuts down: see [setShutdownHook].
 */
public val Komopay: ApplicationPlugin<KomopayPlugin> = createApplicationPlugin("Komopay", ::KomopayPlugin) {
    val (config, given) = pluginConfig.config to pluginConfig.client
    require((config == null) != (given == null)) {
        "install(Komopay) needs a config, of which it makes a client, or a client, and not both"
    }
    val client = given ?: Client(config!!)
    application.attributes.put(CLIENT, client)
    application.routing {
        for (callbacks in pluginConfig.routes) {
            route(callbacks.path) { payoutCallbacks(client, callbacks.pollInterval, callbacks.handler) }
        }
    }
    if (given == null) {
        // It would refuse calls as soon as the JVM shuts down, while Ktor still ends what it has begun.
        setShutdownHook(false)
        application.monitor.subscribe(ApplicationStopping) { application ->
            // Whoever ends the process before the client has waited for them leaves them unnamed.
            val ids = client.createsUnderWay().joinToString()
            if (ids.isNotEmpty()) application.log.warn("payouts under way, which may have been made: $ids")
        }
        application.monitor.subscribe(ApplicationStopped) { runBlocking { client.close() } }
    }
}

/** The client of the plugin [Komopay]. */
public val Application.komopay: Client
    get() = checkNotNull(attributes.getOrNull(CLIENT)) { "install(Komopay) comes before its client is asked for" }

/** The client of the plugin [Komopay]. */
public val ApplicationCall.komopay: Client get() = application.komopay

private val CLIENT = AttributeKey<Client>("komopay-client")
