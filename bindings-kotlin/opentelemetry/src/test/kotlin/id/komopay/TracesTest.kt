package id.komopay

import com.sun.net.httpserver.HttpServer
import id.komopay.opentelemetry.TracedAsyncClient
import id.komopay.opentelemetry.TracedBlockingClient
import id.komopay.opentelemetry.TracedClient
import io.opentelemetry.api.common.AttributeKey
import io.opentelemetry.api.trace.SpanKind
import io.opentelemetry.api.trace.StatusCode
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator
import io.opentelemetry.context.propagation.ContextPropagators
import io.opentelemetry.sdk.OpenTelemetrySdk
import io.opentelemetry.sdk.metrics.SdkMeterProvider
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter
import io.opentelemetry.sdk.trace.SdkTracerProvider
import io.opentelemetry.sdk.trace.data.SpanData
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.URI
import java.time.Duration
import java.util.concurrent.CompletableFuture
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** What OpenTelemetry's SDK is told of calls that go to the real gateway. */
class TracesTest {
    private val sandbox = Sandbox()
    private val exporter = InMemorySpanExporter.create()
    private val reader = InMemoryMetricReader.create()
    private val telemetry = OpenTelemetrySdk.builder()
        .setTracerProvider(SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build())
        .setMeterProvider(SdkMeterProvider.builder().registerMetricReader(reader).build())
        .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
        .build()
    private val client = TracedClient(Client(sandbox.config()), telemetry)

    @AfterEach
    fun stop() {
        runBlocking { client.close() }
        sandbox.close()
        telemetry.close()
    }

    private val spans: List<SpanData> get() = exporter.finishedSpanItems

    private fun call(operation: String) = spans.single { it.name == "komopay $operation" }

    /** The same, of a future: whoever joins it may go on before those who hear of its end. */
    private fun ended(operation: String): SpanData {
        val begin = System.nanoTime()
        while (spans.none { it.name == "komopay $operation" }) {
            assertTrue(System.nanoTime() - begin < 30_000_000_000, "no end of $operation within 30 s")
            Thread.onSpinWait()
        }
        return call(operation)
    }

    private fun SpanData.text(name: String): String? = attributes.get(AttributeKey.stringKey(name))

    private fun SpanData.number(name: String): Long? = attributes.get(AttributeKey.longKey(name))

    private fun below(call: SpanData) = spans.filter { it.parentSpanId == call.spanId }

    @Test
    fun `a lost answer is a call with its requests below it, in the trace of who called`() {
        sandbox.breakNext("create_payout", """{"type": "execute_then_close"}""")
        val job = telemetry.getTracer("test").spanBuilder("job").startSpan()
        val accepted = job.makeCurrent().use { runBlocking { client.createPayout("A-1", Sandbox.request()) } }
        job.end()

        val call = call("create_payout")
        assertEquals(job.spanContext.traceId, call.traceId)
        assertEquals(job.spanContext.spanId, call.parentSpanId)
        assertEquals(SpanKind.INTERNAL, call.kind)
        assertEquals("recovered", call.text("komopay.outcome"))
        assertEquals("A-1", call.text("komopay.payout_id"))
        assertEquals(3L, call.number("komopay.attempts"))
        assertNull(call.text("error.type"))

        val requests = below(call)
        assertEquals(
            listOf("POST /auth-tokens", "POST /payouts/{id}", "GET /payouts/{id}"), requests.map { it.name })
        assertTrue(requests.all { it.kind == SpanKind.CLIENT && it.startEpochNanos <= it.endEpochNanos })
        assertTrue(requests.zipWithNext().all { (one, next) -> one.startEpochNanos <= next.startEpochNanos })
        assertEquals(listOf(200L, null, 200L), requests.map { it.number("http.response.status_code") })
        val (_, lost, read) = requests
        assertEquals(listOf("POST", "/payouts/{id}", "_OTHER"),
            listOf("http.request.method", "url.template", "error.type").map { lost.text(it) })
        assertEquals(StatusCode.ERROR, lost.status.statusCode)
        assertEquals(StatusCode.UNSET, read.status.statusCode)
        assertEquals(accepted.attempts.map { it.requestId }, requests.map { it.text("komopay.request_id") })
        val base = sandbox.config().baseUrl
        assertEquals(listOf("/auth-tokens", "/payouts/A-1", "/payouts/A-1").map { base + it },
            requests.map { it.text("url.full") })
        assertEquals(setOf("127.0.0.1" to URI(base).port.toLong()),
            requests.map { it.text("server.address") to it.number("server.port") }.toSet())
    }

    @Test
    fun `a request that is repeated says so, and metrics count it`() = runBlocking {
        sandbox.breakNext("get_payout", """{"type": "close_after_reading"}""")
        client.createPayout("A-1", Sandbox.request())
        exporter.reset()
        client.getPayout("A-1")
        val requests = below(call("get_payout"))
        assertEquals(listOf(null, 1L), requests.map { it.number("http.request.resend_count") })
        assertEquals(1L, call("get_payout").number("komopay.retries"))

        val metrics = reader.collectAllMetrics().associateBy { it.name }
        assertEquals(
            setOf("komopay.client.call.duration", "http.client.request.duration", "komopay.client.call.retries"),
            metrics.keys)
        val calls = metrics.getValue("komopay.client.call.duration").histogramData.points
        assertEquals(setOf("create_payout", "get_payout"),
            calls.map { it.attributes.get(AttributeKey.stringKey("komopay.operation")) }.toSet())
        val sent = metrics.getValue("http.client.request.duration").histogramData.points.sumOf { it.count }
        assertEquals(4L, sent)
        val peers = metrics.getValue("http.client.request.duration").histogramData.points.map {
            it.attributes.get(AttributeKey.stringKey("server.address")) to
                it.attributes.get(AttributeKey.longKey("server.port"))
        }
        assertEquals(setOf("127.0.0.1" to URI(sandbox.config().baseUrl).port.toLong()), peers.toSet())
    }

    @Test
    fun `an error is the span's, and is thrown as it was`() {
        assertThrows<NotFoundException> { runBlocking { client.getPayout("NONE") } }
        val call = call("get_payout")
        assertEquals("not_found", call.text("komopay.outcome"))
        assertEquals("not_found", call.text("error.type"))
        assertEquals(StatusCode.ERROR, call.status.statusCode)
        assertEquals("410", below(call).last().text("error.type"))
    }

    @Test
    fun `a call whose result tells no requests is a span alone, as is a wait for many`() = runBlocking {
        client.balances("IDR")
        client.createPayout("A-1", Sandbox.request())
        client.waitForPayouts(listOf("A-1"), Duration.ofMinutes(1)).toList()
        for (operation in listOf("balances", "wait_for_payouts")) {
            assertEquals("done", call(operation).text("komopay.outcome"))
            assertEquals(listOf<SpanData>(), below(call(operation)))
        }
    }

    @Test
    fun `what Java calls is traced, whatever it leaves out`() {
        TracedBlockingClient(BlockingClient(sandbox.config()), telemetry).use { blocking ->
            val java: BlockingPayoutClient = blocking
            java.createPayout("A-1", Sandbox.request())
            java.balances("IDR")
            java.paymentOptions()
            assertEquals("done", call("create_payout").text("komopay.outcome"))
            assertEquals(listOf("balances", "payment_options"),
                spans.mapNotNull { it.text("komopay.operation") }.filter { it != "create_payout" })
            blocking.close()
            assertThrows<ClosedException> { java.currencies() }
        }
        exporter.reset()
        TracedAsyncClient(AsyncClient(sandbox.config()), telemetry).use { futures ->
            futures.getPayout("A-1").join()
            assertEquals(1L, below(ended("get_payout")).count { it.name == "GET /payouts/{id}" }.toLong())
            sandbox.hold("get_payout")
            exporter.reset()
            val left: CompletableFuture<Payout> = futures.getPayout("A-1")
            left.cancel(true)
            assertEquals("abandoned", call("get_payout").text("komopay.outcome"))
            sandbox.clearFaults()
        }
    }

    @Test
    fun `requests carry the trace on`() {
        val seen = CompletableFuture<String>()
        val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
        server.createContext("/") { exchange ->
            seen.complete(exchange.requestHeaders.getFirst("traceparent"))
            exchange.sendResponseHeaders(404, -1)
            exchange.close()
        }
        server.start()
        val config = Config("http://127.0.0.1:${server.address.port}", Credentials.token("t"))
        TracedBlockingClient(BlockingClient(config), telemetry).use { blocking ->
            assertThrows<KomopayException> { blocking.getPayout("A-1") }
        }
        server.stop(0)
        val call = call("get_payout")
        assertEquals("00-${call.traceId}-${call.spanId}-01", seen.get())
    }

    @Test
    fun `a port that the base URL leaves out is that of its scheme`() {
        val ports = listOf("http://127.0.0.1/prefix/", "https://127.0.0.1/prefix", "https://[::1]:8443").map { url ->
            exporter.reset()
            val config = Config(url, Credentials.token("t"), readAttempts = 1, proxyFromEnvironment = false)
            TracedBlockingClient(BlockingClient(config), telemetry).use { blocking ->
                assertThrows<KomopayException> { blocking.getPayout("A-1") }
            }
            val request = below(call("get_payout")).first()
            Triple(request.text("url.full"), request.text("server.address"), request.number("server.port"))
        }
        assertEquals(
            listOf(
                Triple("http://127.0.0.1/prefix/payouts/A-1", "127.0.0.1", 80L),
                Triple("https://127.0.0.1/prefix/payouts/A-1", "127.0.0.1", 443L),
                Triple("https://[::1]:8443/payouts/A-1", "::1", 8443L),
            ),
            ports,
        )
    }

    @Test
    fun `no span and no metric has anything secret or of an account`() = runBlocking {
        client.createPayout("A-1", Sandbox.request())
        val token = client.issueToken(AccessScope.read("A-1")).expose()
        val told = "$spans ${reader.collectAllMetrics()}"
        for (canary in listOf(Sandbox.SECRET, Sandbox.ACCOUNT, token)) assertFalse(canary in told)
        assertTrue("A-1" in told)
    }
}
