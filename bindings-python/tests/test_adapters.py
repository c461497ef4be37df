"""The adapters in the real frameworks and servers, called by the sandbox: FastAPI, Flask and Django."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from programs import EXAMPLES, KEY, App, changes

from komopay import (
    BankAccount,
    BankTransfer,
    ConfigurationError,
    MemoryChangeStore,
    Money,
    PayoutChange,
    PayoutRequest,
)
from komopay.testing import Sandbox

GUNICORN = ["-m", "gunicorn", "--bind", "127.0.0.1:PORT", "--threads", "4"]

SERVERS = {
    "fastapi with uvicorn": ("", ["-m", "uvicorn", "callbacks_fastapi:app", "--port", "PORT"]),
    "flask with its own server": ("", ["-m", "flask", "--app", "callbacks_flask", "run", "--port", "PORT"]),
    "flask with gunicorn": ("", [*GUNICORN, "callbacks_flask:app"]),
    # The client, its store and its worker are made before the fork.
    "flask with gunicorn, preloaded": ("", [*GUNICORN, "callbacks_flask:app", "--workers", "2", "--preload"]),
    "django with runserver": ("callbacks_django", ["manage.py", "runserver", "127.0.0.1:PORT", "--noreload"]),
    "django with gunicorn": ("callbacks_django", [*GUNICORN, "shop.wsgi"]),
}

# It reads each body to its end before it asks the view, however large that is.
DJANGO_ASGI = ("callbacks_django", ["-m", "uvicorn", "shop.asgi:application", "--port", "PORT"])

BODY = json.dumps({"idEntity": "TST-1"}).encode()


def start(name: str, sandbox: Sandbox, folder: Path, **environment: str) -> App:
    example, command = SERVERS.get(name, DJANGO_ASGI)
    if example == "callbacks_django":
        _ = environment.setdefault("SHOP_HANDLE_IN_WEB", "1")
    files = {
        "SHOP_CHANGES": str(folder / "changes.sqlite"),
        "SHOP_DATABASE": f"sqlite+aiosqlite:///{folder}/shop.sqlite",
    }
    return App(command, EXAMPLES / example, {**sandbox.environment, **files, "SHOP_LEASE": "60", **environment})


@pytest.mark.parametrize("name", SERVERS)
def test_each_change_reaches_the_application_once_and_nothing_forged_does(name: str, tmp_path: Path) -> None:
    with Sandbox() as sandbox, start(name, sandbox, tmp_path) as app:
        assert app.request("POST", "/pay/TST-1") == 200
        app.wait_for("change 1 of TST-1: SUCCESS")
        assert sandbox.wait_for_deliveries()
        for _ in range(3):
            sandbox.send_callback("TST-1")
        assert sandbox.wait_for_deliveries()
        assert {(sent.outcome, sent.http_status) for sent in sandbox.deliveries()} == {("answered", 200)}

        # Nothing of this reaches the platform.
        reads = sandbox.calls("get_payout")
        other = signed(app, sandbox, "TST-2")
        for url, status in [
            (f"{app.url}/komopay/", 403),
            (f"{app.url}/komopay/1.0.{'A' * 43}", 403),
            (f"{app.url}/komopay/?komopay=1.0.{'A' * 43}", 403),
            (other, 403),
        ]:
            assert sandbox.forge_callback("TST-1", url).http_status == status, url
        mine = signed(app, sandbox, "TST-1")
        path = mine.removeprefix(app.url)
        assert app.request("POST", path, b"no JSON") == 400
        assert app.request("POST", path, BODY + b" " * 70_000) == 413
        assert app.request("GET", path) == 405
        assert refuses_ten_megabytes(app, path)
        assert sandbox.calls("get_payout") == reads

        # Signed in the query, and a correction.
        sandbox.change_status("TST-1", "FAILED", "SYSTEM")
        query = signed(app, sandbox, "TST-1", place="query")
        assert sandbox.forge_callback("TST-1", query).http_status == 200
        app.wait_for("change 2 of TST-1: FAILED")
        assert sandbox.wait_for_deliveries()
        assert app.stop() in (0, -signal.SIGTERM)
    assert changes(app) == ["change 1 of TST-1: SUCCESS", "change 2 of TST-1: FAILED"]
    assert KEY not in "".join(app.lines)
    # Seven were refused, and the log of each process tells of the first.
    assert 1 <= sum("a callback was refused, answered with " in line for line in app.lines) <= 2


def signed(app: App, sandbox: Sandbox, payout_id: str, place: str = "path") -> str:
    with sandbox.client(callback_keys=[KEY]) as client:
        return client.callback_url(f"{app.url}/komopay/", payout_id, place="query" if place == "query" else "path")


def refuses_ten_megabytes(app: App, path: str) -> bool:
    """It answers without waiting for the rest of them, which never comes; or the middleware does that reads first."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {10 << 20}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", app.port), timeout=10) as connection:
        connection.sendall(head.encode() + b" " * 70_000)
        return connection.recv(4096).split()[1] in (b"400", b"413")


@pytest.mark.parametrize("name", SERVERS)
def test_what_cannot_be_read_yet_is_answered_so_that_the_platform_repeats(name: str, tmp_path: Path) -> None:
    with Sandbox() as sandbox, start(name, sandbox, tmp_path) as app:
        sandbox.fail("get_payout", "status", status=503, nth=None)
        pay(sandbox, signed(app, sandbox, "TST-1"))
        until_answered(sandbox, 503)
        sandbox.clear_faults()
        sandbox.advance(121)
        app.wait_for("change 1 of TST-1: SUCCESS")
        until_answered(sandbox, 200)


def until_answered(sandbox: Sandbox, status: int) -> None:
    for _ in range(3000):
        if sandbox.deliveries() and sandbox.deliveries()[-1].http_status == status:
            return
        # It returns at once when there is nothing to wait for.
        if sandbox.wait_for_deliveries(0.01):
            break
    assert sandbox.deliveries()[-1].http_status == status, sandbox.deliveries()


PLACES = ["received", "reading", "stored", "answering", "answered", "taken", "on_change", "handled", "acknowledged"]
# Where on_change has run, and the store was not told: it is given again.
AGAIN = {"on_change", "handled"}


@pytest.mark.parametrize("kind", ["file", "server"])
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_any_place_it_loses_no_change_and_the_store_gives_none_twice(
    place: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    token, handled = tmp_path / "die", tmp_path / "handled"
    token.touch()
    changes = request.getfixturevalue("database") if kind == "server" else str(tmp_path / "changes.sqlite")
    environment = {"DIE_AT": place, "DIE_ONCE": str(token), "HANDLED": str(handled), "SHOP_CHANGES": changes}
    with Sandbox() as sandbox:
        command = ["-m", "uvicorn", "dying:app", "--port", "PORT", "--app-dir", str(Path(__file__).parent)]
        app = App(command, tmp_path, {**sandbox.environment, **environment})
        app.start()
        if place == "reading":
            sandbox.fail("get_payout", "hold", nth=None)
        pay(sandbox, signed(app, sandbox, "TST-1"))
        if place == "reading":
            while sandbox.calls("get_payout") == 0:
                sandbox.wait_for_deliveries(0.01)
            app.stop(signal.SIGKILL)
            sandbox.clear_faults()
        else:
            app.wait_until_dead()
        with app:
            # Every repeat that is due; answered with 200 before, there is none.
            while not sandbox.wait_for_deliveries(0.2):
                sandbox.advance(121)
            if place != "acknowledged":
                app.wait_for("change 1 of TST-1: SUCCESS")
            # A later change comes after it, and nothing between.
            sandbox.change_status("TST-1", "FAILED", "SYSTEM")
            app.wait_for("change 2 of TST-1: FAILED")
            assert app.stop() in (0, -signal.SIGTERM)
        assert sandbox.deliveries()[-1].http_status == 200
    columns = "payout_id, sequence, acknowledged"
    if kind == "server":
        with psycopg.connect(changes) as store:
            rows: Any = store.execute(f"SELECT {columns} FROM komopay.komopay_changes ORDER BY number").fetchall()
    else:
        file = sqlite3.connect(changes)
        rows = file.execute(f"SELECT {columns} FROM changes ORDER BY number").fetchall()
        file.close()
    assert rows == [("TST-1", 1, 1), ("TST-1", 2, 1)]
    first = 2 if place in AGAIN else 1
    assert handled.read_text().splitlines() == ["TST-1 1 SUCCESS"] * first + ["TST-1 2 FAILED"]


def pay(sandbox: Sandbox, callback_url: str) -> None:
    method = BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344"))
    request = PayoutRequest(money=Money("10000", "IDR"), method=method, callback_url=callback_url)
    with sandbox.client() as client:
        client.create_payout("TST-1", request)


def test_an_adapter_takes_its_kind_of_client_with_keys_and_a_store() -> None:
    import komopay.django
    import komopay.fastapi
    import komopay.flask

    adapters: list[tuple[Any, Any]] = [
        (komopay.fastapi.Callbacks, Sandbox.async_client),
        (komopay.flask.Callbacks, Sandbox.client),
        (komopay.django.Callbacks, Sandbox.client),
    ]
    incomplete: list[tuple[dict[str, Any], str]] = [
        ({"callback_keys": [KEY]}, "change_store"),
        ({"change_store": MemoryChangeStore()}, "callback_keys"),
    ]
    with Sandbox() as sandbox, sandbox.client() as client:
        # Where nothing would be kept, or nothing believed.
        for adapter, make in adapters:
            for settings, missing in incomplete:
                with pytest.raises(ConfigurationError, match=missing) as caught:
                    adapter(make(sandbox, **settings), print)
                assert caught.value.field == missing
        with pytest.raises(TypeError, match="client must be a komopay.AsyncClient, not Client"):
            komopay.fastapi.Callbacks(client, print)  # type: ignore[arg-type]
        for adapter in (komopay.flask.Callbacks, komopay.django.Callbacks):
            with pytest.raises(TypeError, match="client must be a komopay.Client, not AsyncClient"):
                adapter(sandbox.async_client(), print)  # type: ignore[arg-type]


def test_an_adapter_refuses_a_function_that_would_not_run() -> None:
    import komopay.django
    import komopay.fastapi
    import komopay.flask

    def generator(change: PayoutChange) -> Iterator[None]:
        yield

    settings: Any = {"callback_keys": [KEY], "change_store": MemoryChangeStore()}
    with Sandbox() as sandbox, sandbox.client(**settings) as client:
        for adapter in (komopay.flask.Callbacks, komopay.django.Callbacks):
            with pytest.raises(TypeError, match="on_change is a generator function"):
                adapter(client, generator)
        with pytest.raises(TypeError, match="on_change is a generator function"):
            komopay.fastapi.Callbacks(sandbox.async_client(**settings), generator)


@pytest.mark.parametrize("kind", ["async", "ordinary"])
@pytest.mark.parametrize("adapter", ["fastapi", "flask", "django"])
def test_a_function_may_be_async_or_not_in_every_framework(adapter: str, kind: str) -> None:
    told, ended = [], threading.Event()

    def ordinary(change: PayoutChange) -> None:
        # Where a loop runs, it is not held up.
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        told.append((change.payout_id, change.payout.status))
        ended.set()

    async def later(change: PayoutChange) -> None:
        await asyncio.sleep(0)
        told.append((change.payout_id, change.payout.status))
        ended.set()

    on_change: Any = later if kind == "async" else ordinary
    settings: Any = {"callback_keys": [KEY], "change_store": MemoryChangeStore()}
    with Sandbox() as sandbox, sandbox.client(**settings) as client:
        url = client.callback_url("https://shop.example/komopay", "TST-1")
        pay(sandbox, url)
        path = url.removeprefix("https://shop.example")
        assert RECEIVED[adapter](sandbox, settings, on_change, path, ended) == 200
        assert told == [("TST-1", "SUCCESS")] and client.take_changes() == []


def received_by_fastapi(
    sandbox: Sandbox, settings: Any, on_change: Any, path: str, ended: threading.Event
) -> int:
    import komopay.fastapi

    async def run() -> int:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": BODY}

        async def send(message: Any) -> None:
            sent.append(message)

        async with sandbox.async_client(**settings) as client:
            callbacks = komopay.fastapi.Callbacks(client, on_change)
            async with callbacks.lifespan(None):
                await callbacks({"type": "http", "method": "POST", "path": path}, receive, send)
                assert await asyncio.to_thread(ended.wait, 30)
        return int(sent[0]["status"])

    return asyncio.run(run())


def received_by_flask(sandbox: Sandbox, settings: Any, on_change: Any, path: str, ended: threading.Event) -> int:
    import flask

    import komopay.flask

    with sandbox.client(**settings) as client:
        app, callbacks = flask.Flask(__name__), komopay.flask.Callbacks(client, on_change)
        app.register_blueprint(callbacks.blueprint, url_prefix="/komopay")
        status = app.test_client().post(path, data=BODY).status_code
        assert ended.wait(30)
        callbacks.worker.close()
    return status


def received_by_django(sandbox: Sandbox, settings: Any, on_change: Any, path: str, ended: threading.Event) -> int:
    import django.conf
    from django.http import HttpRequest
    from django.test import RequestFactory

    import komopay.django

    if not django.conf.settings.configured:
        django.conf.settings.configure(ALLOWED_HOSTS=["testserver"])
    with sandbox.client(**settings) as client:
        callbacks = komopay.django.Callbacks(client, on_change)
        (pattern,) = callbacks.urls("komopay")
        view: Callable[[HttpRequest], Any] = pattern.callback
        status = view(RequestFactory().post(path, BODY, content_type="application/json")).status_code
        assert ended.wait(30)
        callbacks.worker.close()
    return int(status)


RECEIVED = {"fastapi": received_by_fastapi, "flask": received_by_flask, "django": received_by_django}
