"""Traces and metrics with OpenTelemetry: `pip install komopay[otel]`.

    >>> import komopay.otel
    >>> komopay.otel.instrument()
    >>> with Client.from_env() as client:
    ...     currencies = client.currencies()
    >>> komopay.otel.uninstrument()

Each call of a client is a span of its caller's trace, with a client span for each request below it, as the semantic
conventions for HTTP have them. The requests carry the trace on (`traceparent`, or what the propagator of the
application writes). docs/observability.md lists all names. No span and no metric has anything secret or of an account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from komopay._native import __version__
from komopay.telemetry import set_telemetry

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from komopay.telemetry import CallAttempt, CallEnded

__all__ = ["instrument", "uninstrument"]

_NAME = "komopay"


def instrument(
    *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> None:
    """Makes spans and metrics of the calls of every client that start from now on.

    Without providers, those of the process are used. Again, it takes the place of what was there.

    Example:

        >>> import komopay.otel
        >>> komopay.otel.instrument()
        >>> komopay.otel.uninstrument()
    """
    set_telemetry(_Telemetry(tracer_provider, meter_provider))


def uninstrument() -> None:
    """Makes none any more.

    Example:

        >>> import komopay.otel
        >>> komopay.otel.uninstrument()
    """
    set_telemetry(None)


class _Telemetry:
    def __init__(self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> None:
        self.tracer: Tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
        meter = metrics.get_meter(_NAME, __version__, meter_provider)
        self.calls = meter.create_histogram(
            "komopay.client.call.duration", unit="s", description="How long calls took, with all their requests."
        )
        self.requests = meter.create_histogram(
            "http.client.request.duration", unit="s", description="How long requests took."
        )
        self.retries = meter.create_counter(
            "komopay.client.call.retries", unit="{request}", description="Requests that repeated an earlier one."
        )
        self.throttled = meter.create_histogram(
            "komopay.client.call.throttled", unit="s", description="How long calls were held back by their client."
        )

    def call_started(self, operation: str) -> _Call:
        return _Call(self, operation)


class _Call:
    """One call: its span, and what its requests carry."""

    def __init__(self, telemetry: _Telemetry, operation: str) -> None:
        self._telemetry = telemetry
        self._span: Span = telemetry.tracer.start_span(
            f"komopay {operation}", attributes={"komopay.operation": operation}
        )
        self._context: Context = trace.set_span_in_context(self._span)
        self.headers: dict[str, str] = {}
        propagate.inject(self.headers, context=self._context)

    def attempted(self, request: CallAttempt) -> None:
        attempt = request.attempt
        method, _, path = attempt.operation.partition(" ")
        template = _template(path)
        # What has few values is a metric's; all of it is the span's.
        shared = {"http.request.method": method, "url.template": template, **_server(request.url)}
        if attempt.http_status is not None:
            shared["http.response.status_code"] = attempt.http_status
        failed = request.error or (str(attempt.http_status) if (attempt.http_status or 0) >= 400 else None)
        if failed is not None:
            shared["error.type"] = failed
        self._telemetry.requests.record(attempt.duration.total_seconds(), shared, context=self._context)
        if not self._span.is_recording():
            return
        attributes = shared | {"url.full": request.url, "komopay.attempt": request.number}
        if request.resend_count > 0:
            attributes["http.request.resend_count"] = request.resend_count
        if attempt.request_id is not None:
            attributes["komopay.request_id"] = attempt.request_id
        span = self._telemetry.tracer.start_span(
            f"{method} {template}",
            context=self._context,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=_nanos(attempt.started_at),
        )
        if failed is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanos(attempt.started_at, attempt.duration))

    def ended(self, call: CallEnded) -> None:
        telemetry = self._telemetry
        shared = {"komopay.operation": call.operation, "komopay.outcome": call.outcome}
        telemetry.calls.record(call.duration.total_seconds(), shared, context=self._context)
        if call.retries > 0:
            telemetry.retries.add(call.retries, shared, context=self._context)
        if call.throttled:
            telemetry.throttled.record(call.throttled.total_seconds(), shared, context=self._context)
        span = self._span
        span.set_attribute("komopay.outcome", call.outcome)
        span.set_attribute("komopay.attempts", call.attempts)
        span.set_attribute("komopay.retries", call.retries)
        if call.payout_id is not None:
            span.set_attribute("komopay.payout_id", call.payout_id)
        if call.throttled:
            span.set_attribute("komopay.throttled", call.throttled.total_seconds())
        if call.outcome not in ("done", "recovered"):
            span.set_attribute("error.type", call.outcome)
            span.set_status(Status(StatusCode.ERROR))
        span.end()


def _template(path: str) -> str:
    """The path without what is of one payout only, nor its query."""
    path = path.partition("?")[0]
    return "/payouts/{id}" if path.startswith("/payouts/") and not path.startswith("/payouts/!") else path


def _server(url: str) -> dict[str, str | int]:
    """Where requests go, as the semantic conventions for HTTP tell it."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname or "", "server.port": port}


def _nanos(time: datetime, after: timedelta | None = None) -> int:
    """Nanoseconds since the epoch, which is how OpenTelemetry tells a time."""
    import datetime as dates

    since = (time if after is None else time + after) - dates.datetime(1970, 1, 1, tzinfo=dates.timezone.utc)
    return (since // dates.timedelta(microseconds=1)) * 1000
