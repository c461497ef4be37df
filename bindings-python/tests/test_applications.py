"""The adapters in real applications: with a database, a queue, protected forms, logins and middleware that reads.

Each application is started, called by the sandbox, and stopped, twice: what it left behind must harm nothing.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from broker import Queue
from fastapi import FastAPI
from programs import EXAMPLES, KEY, App
from test_adapters import signed, start
from test_changes import PATIENCE

from komopay import (
    AsyncClient,
    BankAccount,
    BankTransfer,
    MemoryChangeStore,
    Money,
    Payout,
    PayoutChange,
    PayoutRequest,
)
from komopay.fastapi import Callbacks
from komopay.testing import Sandbox

BODY = json.dumps({"idEntity": "TST-1"}).encode()


@pytest.fixture
def platform() -> Iterator[Sandbox]:
    with Sandbox() as platform:
        yield platform


def in_pieces(app: App, path: str, body: bytes) -> int:
    """The status of the answer to a body whose length is not said before."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    try:
        pieces = iter([body[:5], body[5:]])
        connection.request("POST", path, pieces, {"Content-Type": "application/json"}, encode_chunked=True)
        return connection.getresponse().status
    finally:
        connection.close()


def play(app: App, worker: App | None, platform: Sandbox, number: int) -> None:
    """A payout of its own is paid, and told; strangers are refused, and the rest of the application is as it was."""
    payout_id = f"TST-{number}"
    says = worker or app
    assert app.request("POST", f"/pay/{payout_id}") == 200
    says.wait_for(f"change 1 of {payout_id}: SUCCESS")
    assert platform.wait_for_deliveries()
    path = signed(app, platform, payout_id).removeprefix(app.url)
    body = json.dumps({"idEntity": payout_id}).encode()
    assert app.request("POST", path, body) == 200
    assert in_pieces(app, path, body) == 200
    assert [app.request(method, path) for method in ("GET", "HEAD", "PUT")] == [405] * 3
    assert app.request("POST", path, b"") == 400
    assert app.request("POST", f"/komopay/1.0.{'A' * 43}", body) == 403
    assert {sent.http_status for sent in platform.deliveries()} == {200}


APPLICATIONS = {
    # The rest of the application: what it answers, without a token or a login, as its framework does.
    "fastapi with uvicorn": ("GET", "/orders/TST-1", 200),
    "flask with gunicorn": ("POST", "/address", 400),
    "django with gunicorn": ("GET", "/orders", 302),
    "django with uvicorn": ("GET", "/orders", 302),
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_is_started_called_and_stopped_twice(
    name: str, platform: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    method, path, status = APPLICATIONS[name]
    environment: dict[str, str] = {}
    if name.startswith("django"):
        queue: Queue = request.getfixturevalue("queue")
        environment = {"SHOP_BROKER": queue.url, "SHOP_HANDLE_IN_WEB": "0"}
    for number in (1, 2):
        with start(name, platform, tmp_path, **environment) as app:
            if name.startswith("django"):
                with celery(environment) as worker, handling(platform, tmp_path, environment) as handler:
                    play(app, worker, platform, number)
                    assert (handler.stop(), worker.stop()) == (0, 0)
                    assert handler.lines[-1] == "komopay_changes has ended"
            else:
                play(app, None, platform, number)
            assert app.request(method, path) == status
            assert app.stop() in (0, -signal.SIGTERM)
        assert KEY not in "".join(app.lines) and "Traceback" not in "\n".join(app.lines)


def test_models_of_an_application_hold_money_accounts_and_payouts(platform: Sandbox, tmp_path: Path) -> None:
    command = ["-m", "uvicorn", "salaries_fastapi:app", "--port", "PORT"]
    salary: dict[str, Any] = {
        "money": {"amount": "10000", "currency": "IDR"},
        "bank": "BNK_000",
        "account": {"name": "Test account", "number": "11223344"},
    }
    with App(command, EXAMPLES, platform.environment) as app:

        def put(payout_id: str, **changed: object) -> tuple[int, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
            try:
                body, headers = json.dumps({**salary, **changed}), {"Content-Type": "application/json"}
                connection.request("PUT", f"/salaries/{payout_id}", body, headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
            finally:
                connection.close()

        for recovered in (False, True):
            status, paid = put("TST-1")
            assert status == 200 and paid["recovered"] is recovered
            payout = Payout.from_dict(paid["payout"])
            assert (payout.status, payout.money) == ("SUCCESS", Money("10000", "IDR"))
        assert platform.executed("TST-1") == 1
        # An amount that is no text or whole number is no amount; and no answer repeats an account.
        for changed in ({"money": {"amount": 0.1, "currency": "IDR"}}, {"account": {"name": "A"}}, {"acount": 1}):
            status, told = put("TST-2", **changed)
            assert status == 422 and "11223344" not in json.dumps(told), told
        assert platform.executed("TST-2") == 0
        assert app.stop() in (0, -signal.SIGTERM)
    spans = [line for line in app.lines if line.startswith("span ")]
    for name in ("pay a salary", "komopay create_payout", "GET /payouts/{id}", "POST /payouts/{id}"):
        assert any(span.startswith(f"span {name} ") for span in spans), spans
    assert "11223344" not in "".join(spans)


class Worker(App):
    """One that serves nothing. What comes before it is there waits for it."""

    def _wait_until_there(self) -> None:
        return


def celery(environment: dict[str, str]) -> App:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = ["-m", "celery", "-A", "shop.tasks", "worker", "--pool", "solo", *quiet]
    return Worker(command, EXAMPLES / "callbacks_django", {**environment, "C_FORCE_ROOT": "true"})


def handling(platform: Sandbox, folder: Path, environment: dict[str, str]) -> App:
    """Django's command that handles changes."""
    files = {"SHOP_CHANGES": str(folder / "changes.sqlite")}
    command = ["manage.py", "komopay_changes"]
    return Worker(command, EXAMPLES / "callbacks_django", {**platform.environment, **files, **environment})


class Shop:
    """A FastAPI application in this process, and what it was told."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.told: list[str] = []
        self.callbacks = Callbacks(client, self.on_change)
        self.app = FastAPI(lifespan=self.callbacks.lifespan)
        self.app.mount("/komopay", self.callbacks)
        self.app.add_route("/exact", self.callbacks)  # type: ignore[arg-type]

    async def on_change(self, change: PayoutChange) -> None:
        self.told.append(change.payout_id)

    @asynccontextmanager
    async def served(self) -> AsyncGenerator[str, None]:
        """Its URL, while uvicorn serves it."""
        server = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.01)
        try:
            yield "http://127.0.0.1:{}".format(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await serving

    async def pay(self, base: str, payout_id: str, platform: Sandbox, **options: Any) -> None:
        """Until its final change is told."""
        method = BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344"))
        url = self.client.callback_url(base, payout_id, **options)
        request = PayoutRequest(money=Money("10000", "IDR"), method=method, callback_url=url)
        await self.client.create_payout(payout_id, request)
        assert await asyncio.to_thread(platform.wait_for_deliveries)
        assert platform.deliveries()[-1].http_status == 200
        async with asyncio.timeout(PATIENCE) if hasattr(asyncio, "timeout") else _no_limit():
            while payout_id not in self.told:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def _no_limit() -> AsyncGenerator[None, None]:
    yield


def receiving(platform: Sandbox) -> AsyncClient:
    return platform.async_client(callback_keys=[KEY], change_store=MemoryChangeStore())


@pytest.mark.parametrize("loops", [1, 2])
def test_an_application_may_be_served_again_and_its_client_stays_open(loops: int, platform: Sandbox) -> None:
    shop = Shop(receiving(platform))

    async def serve(*numbers: int) -> None:
        for number in numbers:
            async with shop.served() as url:
                await shop.pay(f"{url}/komopay", f"TST-{number}", platform)
            # The lifespan did not make it.
            await shop.client.currencies()

    if loops == 1:
        asyncio.run(serve(1, 2))
    else:
        for number in (1, 2):
            asyncio.run(serve(number))
    asyncio.run(shop.client.close())


def test_of_two_applications_with_one_receiver_one_may_stop(platform: Sandbox) -> None:
    async def run() -> None:
        async with receiving(platform) as client:
            first, second = Shop(client), Shop(client)
            second.app = FastAPI(lifespan=first.callbacks.lifespan)
            second.app.mount("/komopay", first.callbacks)
            second.told = first.told
            async with second.served() as url:
                async with first.served():
                    pass
                await second.pay(f"{url}/komopay", "TST-1", platform)

    asyncio.run(run())


def test_a_path_without_a_slash_is_answered_where_it_is_a_route(platform: Sandbox) -> None:
    async def run() -> None:
        async with receiving(platform) as client:
            shop = Shop(client)
            async with shop.served() as url:
                await shop.pay(f"{url}/exact", "TST-1", platform, place="query")
                await shop.pay(f"{url}/komopay/", "TST-2", platform, place="query")

    asyncio.run(run())


def test_it_is_an_application_by_itself_and_refuses_a_websocket(platform: Sandbox) -> None:
    async def run() -> None:
        async with receiving(platform) as client:
            shop = Shop(client)
            websocket = {"type": "websocket", "path": "/komopay/1.0.A", "headers": [], "subprotocols": []}
            sent = await called(shop.app, websocket)
            assert [message["type"] for message in sent] == ["websocket.close"]
            with pytest.raises(ValueError, match=r"komopay\.fastapi knows no tea"):
                await called(shop.callbacks, {"type": "tea"})
            # Without an application around it, the server gives it the lifespan.
            shop.app = shop.callbacks  # type: ignore[assignment]
            for number in (1, 2):
                async with shop.served() as url:
                    await shop.pay(url, f"TST-{number}", platform)

    asyncio.run(run())


async def called(app: Callable[..., Awaitable[None]], scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What an ASGI application sends to a server that has nothing more to tell it."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{scope['type']}.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent
