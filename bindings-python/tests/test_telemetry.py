"""What calls tell of themselves: to a hook, to OpenTelemetry, and through the log to structlog and Sentry."""

from __future__ import annotations

import asyncio
import contextvars
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import sentry_sdk
import structlog
from conftest import CANARIES, documented_request, new_async_client, new_client
from gateway import Recorder, Sandbox
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import komopay.otel
from komopay import Client, KomopayError, NotFoundError
from komopay.telemetry import CallAttempt, CallEnded, set_telemetry

REQUEST = contextvars.ContextVar("request", default="-")


class Hook:
    """Keeps what it is told, with where."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.where: set[tuple[str, str]] = set()
        self.ends: list[CallEnded] = []
        self.headers: dict[str, str] = {}

    def call_started(self, operation: str) -> Hook:
        return self.hear(f"{operation} starts")

    def attempted(self, request: CallAttempt) -> None:
        how = request.attempt.http_status or request.error
        self.hear(f"{request.number}. {request.attempt.operation} {how}, resent {request.resend_count}")

    def ended(self, call: CallEnded) -> None:
        self.ends.append(call)
        self.hear(f"{call.operation} {call.outcome}")

    def hear(self, what: str) -> Hook:
        self.told.append(what)
        self.where.add((threading.current_thread().name, REQUEST.get()))
        return self


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    set_telemetry(hook)
    yield hook
    set_telemetry(None)


def test_a_call_is_told_in_its_callers_thread_and_context(sandbox: Sandbox, hook: Hook) -> None:
    def work() -> None:
        REQUEST.set("request-1")
        client.create_payout("TEL-1", documented_request())

    with new_client(sandbox) as client:
        thread = threading.Thread(target=work, name="web-1")
        thread.start()
        thread.join()
    assert hook.told == [
        "create_payout starts",
        "1. POST /auth-tokens 200, resent 0",
        "2. POST /payouts/TEL-1 201, resent 0",
        "create_payout done",
    ]
    assert hook.where == {("web-1", "request-1")}
    (end,) = hook.ends
    assert (end.payout_id, end.attempts, end.retries) == ("TEL-1", 2, 0)
    assert end.duration.total_seconds() > 0


def test_an_asyncio_task_is_told_in_its_own_context_and_before_its_next_line(sandbox: Sandbox, hook: Hook) -> None:
    async def work(name: str) -> None:
        REQUEST.set(name)
        async with new_async_client(sandbox) as client:
            await client.currencies()
            hook.hear(f"{name} goes on")

    async def main() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(main())
    assert {name for _, name in hook.where} == {"a", "b"}
    for name in ("a", "b"):
        assert hook.told.index(f"{name} goes on") > hook.told.index("currencies done")


def test_failures_and_callers_that_leave_are_told_of(sandbox: Sandbox, hook: Hook) -> None:
    sandbox.fault("get_payout", "status", {"nth": 1}, status=503)
    with new_client(sandbox, settle_window=0.1) as client:
        with pytest.raises(NotFoundError):
            client.get_payout("NONE")
        assert hook.ends[-1].outcome == "not_found" and hook.ends[-1].retries == 2

        async def leave() -> None:
            async with new_async_client(sandbox) as client:
                sandbox.fault("list_currencies", "hold", {"nth": 1})
                task = asyncio.create_task(client.currencies())
                await asyncio.to_thread(sandbox.wait_until_seen, "list_currencies")
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                sandbox.release()

        asyncio.run(leave())
        assert hook.ends[-1].outcome == "abandoned"
        for _ in client.wait_for_payouts(["NONE"], timeout=60):
            break
        assert [end.operation for end in hook.ends][2:] == ["wait_for_payouts"]


def test_a_hook_that_fails_ends_no_call(
    sandbox: Sandbox, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_value))

    def fail(*_: object) -> None:
        raise ValueError("a fault of the hook")

    with new_client(sandbox) as client:
        for name in ("call_started", "attempted", "ended"):
            monkeypatch.setattr(hook, name, fail)
            assert "IDR" in client.currencies()
            monkeypatch.undo()
            monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_value))
        hook.headers = {"Host": "elsewhere"}
        assert "IDR" in client.currencies()
    assert len(reported) >= 4


def test_nothing_is_told_where_nobody_asks(sandbox: Sandbox) -> None:
    hook = Hook()
    set_telemetry(hook)
    set_telemetry(None)
    with new_client(sandbox) as client:
        client.currencies()
    assert hook.told == []


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    reader = InMemoryMetricReader()
    exporter.reader, exporter.tracer = reader, provider.get_tracer("application")  # type: ignore[attr-defined]
    komopay.otel.instrument(tracer_provider=provider, meter_provider=MeterProvider(metric_readers=[reader]))
    yield exporter
    komopay.otel.uninstrument()


def tree(spans: tuple[ReadableSpan, ...]) -> list[str]:
    """Each span with how deep it is, in the order in which they began."""
    by_id = {span.context.span_id: span for span in spans if span.context}

    def depth(span: ReadableSpan) -> int:
        return 1 + depth(by_id[span.parent.span_id]) if span.parent else 0

    ordered = sorted(spans, key=lambda span: (span.start_time or 0, depth(span)))
    return ["  " * depth(span) + span.name for span in ordered]


def test_a_create_with_a_lost_answer_is_a_trace_of_its_caller(sandbox: Sandbox, spans: Any) -> None:
    sandbox.fault("create_payout", "execute_then_close", {"nth": 1})
    with new_client(sandbox) as client, spans.tracer.start_as_current_span("pay the salary"):
        client.create_payout("TEL-2", documented_request())
    finished: tuple[ReadableSpan, ...] = spans.get_finished_spans()
    assert tree(finished) == [
        "pay the salary",
        "  komopay create_payout",
        "    POST /auth-tokens",
        "    POST /payouts/{id}",
        "    GET /payouts/{id}",
    ]
    assert len({span.context.trace_id for span in finished if span.context}) == 1
    by_name = {span.name: dict(span.attributes or {}) for span in finished}
    call = by_name["komopay create_payout"]
    assert (call["komopay.outcome"], call["komopay.payout_id"], call["komopay.attempts"]) == ("recovered", "TEL-2", 3)
    lost = by_name["POST /payouts/{id}"]
    assert lost["error.type"] == "unavailable" and "http.response.status_code" not in lost
    assert by_name["GET /payouts/{id}"]["http.response.status_code"] == 200
    peer = urlsplit(sandbox.url)
    for path, name in {"/auth-tokens": "POST /auth-tokens", "/payouts/TEL-2": "GET /payouts/{id}"}.items():
        assert by_name[name]["url.full"] == sandbox.url + path
        assert (by_name[name]["server.address"], by_name[name]["server.port"]) == (peer.hostname, peer.port)
    assert not any(canary in repr([span.to_json() for span in finished]) for canary in CANARIES)


def test_requests_carry_the_trace_on(spans: Any) -> None:
    answers = {("GET", "/currencies"): (200, b'{"data": []}')}
    with Recorder(answers) as peer, Client(base_url=peer.url, token="t") as client:
        client.currencies()
        (seen,) = peer.seen
    call = next(span for span in spans.get_finished_spans() if span.name == "komopay currencies")
    assert seen.headers["traceparent"].split("-")[1:3] == [
        trace.format_trace_id(call.context.trace_id),
        trace.format_span_id(call.context.span_id),
    ]


def test_a_port_that_the_url_leaves_out_is_that_of_its_scheme(spans: Any) -> None:
    ports = {}
    for url in ("http://127.0.0.1/prefix/", "https://127.0.0.1/prefix", "https://[::1]:8443"):
        with Client(base_url=url, token="t", read_attempts=1, proxy_from_environment=False) as client:
            with pytest.raises(KomopayError):
                client.currencies()
    for span in spans.get_finished_spans():
        if "url.full" in (span.attributes or {}):
            attributes = span.attributes
            ports[attributes["url.full"]] = (attributes["server.address"], attributes["server.port"])
    assert ports == {
        "http://127.0.0.1/prefix/currencies": ("127.0.0.1", 80),
        "https://127.0.0.1/prefix/currencies": ("127.0.0.1", 443),
        "https://[::1]:8443/currencies": ("::1", 8443),
    }


def test_metrics_count_calls_and_requests(sandbox: Sandbox, spans: Any) -> None:
    sandbox.fault("list_currencies", "status", {"nth": 1}, status=503)
    with new_client(sandbox) as client:
        client.currencies()
        with pytest.raises(NotFoundError):
            client.get_payout("NONE")
    data = json.loads(spans.reader.get_metrics_data().to_json())
    metrics = {
        metric["name"]: metric["data"]["data_points"]
        for resource in data["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
    }
    outcomes = {
        point["attributes"]["komopay.operation"]: point["attributes"]["komopay.outcome"]
        for point in metrics["komopay.client.call.duration"]
    }
    assert outcomes == {"currencies": "done", "get_payout": "not_found"}
    requests = {
        (point["attributes"]["url.template"], point["attributes"].get("http.response.status_code")): point["count"]
        for point in metrics["http.client.request.duration"]
    }
    assert requests["/currencies", 503] == 1 and requests["/currencies", 200] == 1
    assert requests["/payouts/{id}", 410] == 2
    peer = urlsplit(sandbox.url)
    servers = {
        (point["attributes"].get("server.address"), point["attributes"].get("server.port"))
        for point in metrics["http.client.request.duration"]
    }
    assert servers == {(peer.hostname, peer.port)}
    assert not any("url.full" in point["attributes"] for point in metrics["http.client.request.duration"])
    assert not any(canary in json.dumps(data) for canary in CANARIES)


def test_structlog_has_the_facts_as_fields(sandbox: Sandbox) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logger = logging.getLogger("komopay")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with new_client(sandbox) as client:
            client.create_payout("TEL-3", documented_request())
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    posted = next(line for line in lines if line.get("http_status") == 201)
    assert (posted["payout_id"], posted["attempt"]) == ("TEL-3", 2)
    assert not any(canary in written.getvalue() for canary in CANARIES)


def test_sentry_is_told_of_errors_and_sees_nothing_secret(sandbox: Sandbox) -> None:
    events: list[Any] = []
    with sentry_sdk.isolation_scope():
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:1/1", before_send=lambda event, _: events.append(event), default_integrations=True
        )
        try:
            with new_client(sandbox) as client:
                logging.getLogger("komopay").warning("before")
                try:
                    client.get_payout("NONE")
                except NotFoundError as error:
                    sentry_sdk.capture_exception(error)
        finally:
            sentry_sdk.init()
    (event,) = events
    assert event["exception"]["values"][-1]["type"] == "NotFoundError"
    assert not any(canary in json.dumps(event, default=repr) for canary in CANARIES)
