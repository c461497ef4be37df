package id.komopay.opentelemetry

import id.komopay.Attempt
import id.komopay.KomopayException
import id.komopay.Payout
import id.komopay.PayoutAccepted
import id.komopay.VERSION
import io.opentelemetry.api.OpenTelemetry
import io.opentelemetry.api.common.AttributeKey
import io.opentelemetry.api.common.Attributes
import io.opentelemetry.api.metrics.DoubleHistogram
import io.opentelemetry.api.trace.Span
import io.opentelemetry.api.trace.SpanKind
import io.opentelemetry.api.trace.StatusCode
import io.opentelemetry.context.Context
import java.net.URI
import java.util.concurrent.CancellationException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionException
import java.util.concurrent.TimeUnit

private const val NAME = "komopay"

private val OPERATION = AttributeKey.stringKey("komopay.operation")
private val OUTCOME = AttributeKey.stringKey("komopay.outcome")
private val PAYOUT_ID = AttributeKey.stringKey("komopay.payout_id")
private val ATTEMPT = AttributeKey.longKey("komopay.attempt")
private val ATTEMPTS = AttributeKey.longKey("komopay.attempts")
private val RETRIES = AttributeKey.longKey("komopay.retries")
private val REQUEST_ID = AttributeKey.stringKey("komopay.request_id")
private val METHOD = AttributeKey.stringKey("http.request.method")
private val RESEND_COUNT = AttributeKey.longKey("http.request.resend_count")
private val STATUS = AttributeKey.longKey("http.response.status_code")
private val SERVER = AttributeKey.stringKey("server.address")
private val PORT = AttributeKey.longKey("server.port")
private val URL = AttributeKey.stringKey("url.full")
private val TEMPLATE = AttributeKey.stringKey("url.template")
private val ERROR = AttributeKey.stringKey("error.type")

/** What OpenTelemetry calls an error of which no more is known: no answer came. */
private const val NO_ANSWER = "_OTHER"

/** Makes spans and metrics of calls, in the context of who calls. */
internal class Telemetry(openTelemetry: OpenTelemetry, baseUrl: String?) {
    private val base = baseUrl?.trimEnd('/')
    private val server = base?.let(::server) ?: Attributes.empty()
    private val tracer = openTelemetry.tracerBuilder(NAME).setInstrumentationVersion(VERSION).build()
    private val propagator = openTelemetry.propagators.textMapPropagator
    private val meter = openTelemetry.meterBuilder(NAME).setInstrumentationVersion(VERSION).build()
    private val calls = histogram("komopay.client.call.duration", "How long calls took, with all their requests.")
    private val requests = histogram("http.client.request.duration", "How long requests took.")
    private val retries = meter.counterBuilder("komopay.client.call.retries").setUnit("{request}")
        .setDescription("Requests that repeated an earlier one.").build()

    private fun histogram(name: String, description: String): DoubleHistogram =
        meter.histogramBuilder(name).setUnit("s").setDescription(description).build()

    /** A call that waits for its end. It is handed the headers that its requests carry. */
    inline fun <T> of(operation: String, payoutId: String? = null, make: (Map<String, String>) -> T): T {
        val call = Call(operation, payoutId)
        val result = try {
            make(call.headers)
        } catch (thrown: Throwable) {
            call.failed(thrown)
            throw thrown
        }
        call.done(result)
        return result
    }

    /** A call that gives a future. That very future is given on: who cancels it cancels the call. */
    fun <T> ofFuture(
        operation: String,
        payoutId: String?,
        make: (Map<String, String>) -> CompletableFuture<T>,
    ): CompletableFuture<T> {
        val call = Call(operation, payoutId)
        val future = try {
            make(call.headers)
        } catch (thrown: Throwable) {
            call.failed(thrown)
            throw thrown
        }
        future.whenComplete { result, thrown ->
            if (thrown == null) call.done(result) else call.failed((thrown as? CompletionException)?.cause ?: thrown)
        }
        return future
    }

    /** A call that has begun. */
    inner class Call(private val operation: String, private val payoutId: String?) {
        private val began = System.nanoTime()
        private val span = tracer.spanBuilder("$NAME $operation").setAttribute(OPERATION, operation).startSpan()
        private val context = Context.current().with(span)

        /** What its requests carry, such as `traceparent`. */
        val headers: Map<String, String> = buildMap {
            propagator.inject(context, this) { headers, name, value -> headers?.put(name, value) }
        }

        fun done(result: Any?) = when (result) {
            is PayoutAccepted -> end(if (result.recovered) "recovered" else "done", result.attempts)
            is Payout -> end("done", result.attempts)
            // It does not tell by which requests it was learned.
            else -> end("done", null)
        }

        fun failed(thrown: Throwable) {
            val (outcome, attempts) = when (thrown) {
                is KomopayException -> thrown.kind.code() to thrown.attempts
                is CancellationException, is InterruptedException -> "abandoned" to null
                else -> "internal" to null
            }
            span.setAttribute(ERROR, outcome).setStatus(StatusCode.ERROR)
            end(outcome, attempts)
        }

        private fun end(outcome: String, attempts: List<Attempt>?) {
            val shared = Attributes.of(OPERATION, operation, OUTCOME, outcome)
            calls.record((System.nanoTime() - began).toSeconds(), shared, context)
            span.setAttribute(OUTCOME, outcome)
            if (payoutId != null) span.setAttribute(PAYOUT_ID, payoutId)
            if (attempts != null) {
                val sent = mutableMapOf<String, Long>()
                attempts.forEachIndexed { at, attempt ->
                    tell(attempt, at + 1L, sent.getOrDefault(attempt.operation, 0L))
                    sent.merge(attempt.operation, 1L, Long::plus)
                }
                val repeated = attempts.size - sent.size.toLong()
                if (repeated > 0) retries.add(repeated, shared, context)
                span.setAttribute(ATTEMPTS, attempts.size.toLong()).setAttribute(RETRIES, repeated)
            }
            span.end()
        }

        /** A request of it. */
        private fun tell(attempt: Attempt, number: Long, resendCount: Long) {
            val method = attempt.operation.substringBefore(' ')
            val template = template(attempt.operation.substringAfter(' '))
            val status = attempt.httpStatus
            val error = if (status == null) NO_ANSWER else status.takeIf { it >= 400 }?.toString()
            // What has few values is a metric's; all of it is the span's.
            val shared = Attributes.builder().put(METHOD, method).put(TEMPLATE, template).putAll(server)
            if (status != null) shared.put(STATUS, status.toLong())
            if (error != null) shared.put(ERROR, error)
            val few = shared.build()
            requests.record(attempt.duration.toNanos().toSeconds(), few, context)
            if (!span.isRecording) return
            val request = tracer.spanBuilder("$method $template").setParent(context).setSpanKind(SpanKind.CLIENT)
                .setStartTimestamp(attempt.startedAt).setAllAttributes(few).setAttribute(ATTEMPT, number)
            if (resendCount > 0) request.setAttribute(RESEND_COUNT, resendCount)
            attempt.requestId?.let { request.setAttribute(REQUEST_ID, it) }
            base?.let { request.setAttribute(URL, it + attempt.operation.substringAfter(' ').substringBefore('?')) }
            val made: Span = request.startSpan()
            if (error != null) made.setStatus(StatusCode.ERROR)
            made.end(attempt.startedAt.plus(attempt.duration))
        }
    }
}

private fun Long.toSeconds(): Double = toDouble() / TimeUnit.SECONDS.toNanos(1)

/** Where requests go, as the semantic conventions for HTTP tell it. */
private fun server(base: String): Attributes = URI(base).run {
    val port = if (port >= 0) port else if (scheme.equals("https", ignoreCase = true)) 443 else 80
    Attributes.of(SERVER, host.removeSurrounding("[", "]"), PORT, port.toLong())
}

/** The path without what is of one payout only, nor its query. */
private fun template(path: String): String = path.substringBefore('?').let {
    if (it.startsWith("/payouts/") && !it.startsWith("/payouts/!")) "/payouts/{id}" else it
}
