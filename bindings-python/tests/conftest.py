"""Fixtures: a sandbox for each test, a client of it, and the documented request."""

from __future__ import annotations

import signal
import tempfile
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
from gateway import ACCOUNT_NUMBER, CALLBACK_KEY, MERCHANT_CODE, SECRET, Sandbox

from komopay import (
    AsyncClient,
    BankAccount,
    BankTransfer,
    Client,
    KomopayError,
    MemoryChangeStore,
    Money,
    PayoutRequest,
    PostgresChangeStore,
    SqliteChangeStore,
)

if TYPE_CHECKING:
    from broker import Queue
    from postgres import Server

# The secret, an account number, a key of callback URLs, and how every JWT of the sandbox begins.
CANARIES = (SECRET, ACCOUNT_NUMBER, CALLBACK_KEY, "eyJ0eXAiOiJKV1Qi", "eyJhbGciOiJIUzI1NiI")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard() -> None:
    """Also where the tests run in the background of a shell, which lets its children ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


LIMIT = 200
"""Seconds that a test of a process model may take, so that nothing in it can hang."""


@pytest.fixture(autouse=True)
def a_process_model_ends(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test of a process model that takes too long; what it started is killed as after every test."""
    model = request.node.get_closest_marker("process_model")
    if model is None:
        yield
        return
    request.node.user_properties.append(("process_model", model.args[0]))

    def overdue(_: int, __: FrameType | None) -> None:
        pytest.fail(f"not over after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, overdue)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says by how many tests each process model is proven: those models of which no test did anything but pass."""

    def models(outcome: str) -> Counter[str]:
        # Without those of files that could not be read.
        reports = [report for report in terminalreporter.getreports(outcome) if isinstance(report, pytest.TestReport)]
        reports = [report for report in reports if report.when == "call" or outcome != "passed"]
        return Counter(
            str(value) for report in reports for name, value in report.user_properties if name == "process_model"
        )

    unproven = {model for outcome in ("failed", "error", "skipped") for model in models(outcome)}
    proven = {model: tests for model, tests in models("passed").items() if model not in unproven}
    if proven:
        told = ", ".join(f"{model} ({tests})" for model, tests in proven.items())
        terminalreporter.write_line(f"process models, by so many tests: {told}")
        terminalreporter.write_line(f"proven: {len(proven)} process models of Python")


@pytest.fixture(autouse=True)
def no_error_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Searches everything that each error of a test can show: text, repr, attributes, traceback."""
    errors: list[KomopayError] = []
    make = KomopayError.__init__

    def note(self: KomopayError, *args: Any, **known: Any) -> None:
        errors.append(self)
        make(self, *args, **known)

    monkeypatch.setattr(KomopayError, "__init__", note)
    yield
    for error in errors:
        shown = "".join([str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)])
        assert not any(canary in shown for canary in CANARIES), f"a {type(error).__name__} shows a canary"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short name: that of a socket may have no more than about 100 characters."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def queue(folder: Path) -> Iterator[Queue]:
    from broker import Queue

    queue = Queue(folder)
    yield queue
    queue.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    from postgres import Server

    with Server() as server:
        yield server


@pytest.fixture
def database(server: Server) -> str:
    """The URL of a new one on that server."""
    import psycopg

    name = f"shop_{uuid.uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.replace("/postgres", f"/{name}")


def new_store(kind: str, request: pytest.FixtureRequest) -> MemoryChangeStore | SqliteChangeStore | PostgresChangeStore:
    """A store of this kind that nobody has used."""
    if kind == "memory":
        return MemoryChangeStore()
    if kind == "file":
        return SqliteChangeStore(request.getfixturevalue("tmp_path") / "changes.sqlite")
    return PostgresChangeStore(request.getfixturevalue("database"))


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with new_client(sandbox) as client:
        yield client


def new_client(sandbox: Sandbox, **settings: Any) -> Client:
    return Client(merchant_code=MERCHANT_CODE, secret=SECRET, base_url=sandbox.url, **settings)


def new_async_client(sandbox: Sandbox, **settings: Any) -> AsyncClient:
    return AsyncClient(merchant_code=MERCHANT_CODE, secret=SECRET, base_url=sandbox.url, **settings)


def documented_request(number: str = "11223344") -> PayoutRequest:
    return PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(
            operator_code="BNK_000",
            email_address="customer@test.com",
            account=BankAccount(name="Test account", number=number),
        ),
        callback_url="https://callback.example.com",
    )
