package id.komopay.spring

import id.komopay.BlockingClient
import id.komopay.BlockingPayoutCallbacks
import id.komopay.ChangeHandler
import jakarta.servlet.http.HttpServletRequest
import java.time.Duration
import java.util.Optional
import org.apache.commons.logging.LogFactory
import org.springframework.context.SmartLifecycle
import org.springframework.http.HttpStatus
import org.springframework.web.servlet.function.HandlerFunction
import org.springframework.web.servlet.function.RouterFunction
import org.springframework.web.servlet.function.RouterFunctions
import org.springframework.web.servlet.function.ServerRequest
import org.springframework.web.servlet.function.ServerResponse
import org.springframework.web.util.ContentCachingRequestWrapper
import org.springframework.web.util.WebUtils

/**
 * Receives the callbacks of payouts at a path and below it, and gives each change of a payout to the handler: see
 * [BlockingPayoutCallbacks]. As a bean, it is a route of Spring MVC.
 *
 * It answers 200 when the change is in the client's `changeStore`, refuses what is not signed before it is looked at,
 * and reads no more of a body than a callback can have. It begins before the server takes requests, and ends after
 * that. The platform logs in nowhere and has no CSRF token; the signature in the URL is what is checked. So with Spring
 * Security, permit all requests to the path and below it, and let the CSRF protection ignore them.
 *
 * ```java
 * @Bean
 * PayoutCallbackRoute payoutCallbacks(BlockingClient client, Orders orders) {
 *     return new PayoutCallbackRoute("/komopay", client, change -> orders.update(change.getPayoutId(),
 * change.getPayout())); }
 * ```
 *
 * The callback URL of a request is then `client.callbackUrl("https://shop.example/komopay", payoutId)`.
 *
 * @param path Where callbacks come, such as `/komopay`.
 * @param client With `callbackKeys` and a `changeStore`; without them, the application does not start.
 * @param pollInterval How often the store is asked for what this server was not told of: changes that other processes
 * recorded, and those whose lease has ended.
 */
public class PayoutCallbackRoute @JvmOverloads constructor(
    path: String,
    private val client: BlockingClient,
    private val handler: ChangeHandler,
    private val pollInterval: Duration = Duration.ofSeconds(5),
) : RouterFunction<ServerResponse>, SmartLifecycle {
    /** With a handler whose work ends elsewhere. */
    @JvmOverloads
    public constructor(
        path: String,
        client: BlockingClient,
        handler: AsyncChangeHandler,
        pollInterval: Duration = Duration.ofSeconds(5),
    ) : this(path, client, handler.waiting(), pollInterval)

    /** With a handler that suspends. */
    public constructor(
        path: String,
        client: BlockingClient,
        handler: SuspendingChangeHandler,
        pollInterval: Duration = Duration.ofSeconds(5),
    ) : this(path, client, handler.waiting(), pollInterval)

    private val routes = RouterFunctions.route().POST("${path.trimEnd('/')}/**", ::answer).build()
    private val log = LogFactory.getLog(javaClass)

    @Volatile
    private var callbacks: BlockingPayoutCallbacks? = null

    override fun route(request: ServerRequest): Optional<HandlerFunction<ServerResponse>> = routes.route(request)

    override fun accept(visitor: RouterFunctions.Visitor): Unit = routes.accept(visitor)

    override fun start() {
        if (callbacks != null) return
        callbacks = BlockingPayoutCallbacks(client, handler, pollInterval) { text, thrown -> log.warn(text, thrown) }
    }

    override fun stop() {
        callbacks?.close()
        callbacks = null
    }

    override fun isRunning(): Boolean = callbacks != null

    /** Before the web server, which starts at `DEFAULT_PHASE - 2048`; what starts first stops last. */
    override fun getPhase(): Int = SmartLifecycle.DEFAULT_PHASE - 4096

    private fun answer(request: ServerRequest): ServerResponse {
        val callbacks = callbacks ?: return ServerResponse.status(HttpStatus.SERVICE_UNAVAILABLE).build()
        val servlet = request.servletRequest()
        val limit = callbacks.bodyLimit
        // Of what is too long nothing is read: it is refused for its length alone.
        val body = if (servlet.contentLengthLong >= limit) ByteArray(limit) else read(servlet, limit)
        if (body.isEmpty() && servlet.contentLengthLong > 0) {
            // Taken for an empty body, it would be refused as the sender's fault. Thrown, it would be answered by the
            // page for errors, which may ask for a login.
            log.error(
                "a filter has read the body of a callback before its route: let it leave out this path, or keep what " +
                    "it reads in a ContentCachingRequestWrapper",
            )
            return ServerResponse.status(HttpStatus.INTERNAL_SERVER_ERROR).build()
        }
        val url = listOfNotNull(servlet.requestURI, servlet.queryString).joinToString("?")
        return ServerResponse.status(callbacks.receive(body, url)).build()
    }

    private fun read(servlet: HttpServletRequest, limit: Int): ByteArray {
        val body = servlet.inputStream.readNBytes(limit)
        if (body.isNotEmpty()) return body
        // Where a filter has read it, Spring's wrapper keeps what was read.
        val kept = WebUtils.getNativeRequest(servlet, ContentCachingRequestWrapper::class.java)?.contentAsByteArray
        return kept?.let { it.copyOf(minOf(it.size, limit)) } ?: body
    }
}
