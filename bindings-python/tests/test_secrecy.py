"""Nothing secret is a local of a frame of ours when something raises, and whatever is half made shows itself."""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, cast

import flask
import pytest
from django.conf import settings as django_settings
from django.http import HttpRequest, UnreadablePostError
from gateway import ACCOUNT_NUMBER, CALLBACK_KEY, SECRET

import komopay
import komopay.fastapi
import komopay.flask
import komopay_testing
from komopay import _listen, _trigger
from komopay._provider import provide
from komopay import AsyncClient, Client, MemoryChangeStore
from komopay.changes import AsyncChangeWorker, ChangeWorker
from komopay.testing import Sandbox

TOKEN = "eyJ0eXAiOiJKV1Qi.e30.c2lnbmF0dXJl"
SIGNATURE = "1.0." + "7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ"
PASSWORD = "proxy-password-1f0c"
CANARIES = (SECRET, TOKEN, CALLBACK_KEY, ACCOUNT_NUMBER, SIGNATURE, PASSWORD)

PACKAGES = (Path(komopay.__file__).parent, Path(komopay_testing.__file__).parent)

BODY = json.dumps({"idEntity": "TST-1"}).encode()
SIGNED = f"https://shop.example/komopay/{SIGNATURE}"

GOOD: dict[str, Any] = {"base_url": "http://127.0.0.1:1", "merchant_code": "M", "secret": SECRET}


def given(**settings: Any) -> dict[str, Any]:
    return {**GOOD, **settings}


def errors_of(error: BaseException) -> Iterator[BaseException]:
    """The error, and those behind it."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        error = waiting.pop()
        if error not in seen:
            seen.append(error)
            waiting += [behind for behind in (error.__cause__, error.__context__) if behind is not None]
    return iter(seen)


def is_ours(file: str) -> bool:
    return any(Path(file).is_relative_to(package) for package in PACKAGES)


def our_frames(error: BaseException) -> list[FrameType]:
    frames = [frame for each in errors_of(error) for frame, _ in traceback.walk_tb(each.__traceback__)]
    return [frame for frame in frames if is_ours(frame.f_code.co_filename)]


def shows(frames: list[FrameType]) -> str:
    """All that a tool shows of these frames that collects their locals, as Sentry and rich do."""
    return "\n".join(f"{name} = {value!r} {value!s}" for frame in frames for name, value in frame.f_locals.items())


def check(error: BaseException) -> list[FrameType]:
    frames = our_frames(error)
    shown = shows(frames)
    found = [canary for canary in CANARIES if canary in shown]
    assert found == [], shown
    for each in errors_of(error):
        taken = traceback.TracebackException(type(each), each, each.__traceback__, capture_locals=True)
        while taken is not None:
            for frame in taken.stack:
                if is_ours(frame.filename):
                    assert not any(canary in str(frame.locals) for canary in CANARIES), frame.locals
            taken = cast("Any", taken.__cause__)
    return frames


async def read_nothing() -> dict[str, object]:
    raise ConnectionResetError("the caller is gone")


async def send_nothing(_: object) -> None:
    raise ConnectionResetError("the caller is gone")


async def receive_body() -> dict[str, object]:
    return {"type": "http.request", "body": BODY, "more_body": False}


def scope(**more: object) -> dict[str, object]:
    return {
        "type": "http",
        "method": "POST",
        "path": f"/{SIGNATURE}",
        "raw_path": f"/{SIGNATURE}".encode(),
        "query_string": b"",
        **more,
    }


def short() -> dict[str, Any]:
    return {
        "callback_keys": [CALLBACK_KEY],
        "change_store": MemoryChangeStore(),
        "total_timeout": 1,
        "attempt_timeout": 0.5,
    }


def client(**settings: Any) -> Client:
    return Client(**given(**short(), **settings))


def async_client(**settings: Any) -> AsyncClient:
    return AsyncClient(**given(**short(), **settings))


def in_loop(call: Callable[[AsyncClient], Awaitable[object]], **settings: Any) -> Callable[[], object]:
    async def run() -> object:
        async with async_client(**settings) as made:
            return await call(made)

    return lambda: asyncio.run(run())


def handler(_: object) -> None: ...


class Unreadable:
    """A body whose caller has left."""

    def read(self, _: int) -> bytes:
        raise ConnectionResetError("the caller is gone")


def in_flask() -> object:
    app = flask.Flask(__name__)
    callbacks = komopay.flask.Callbacks(client(), handler)
    app.register_blueprint(callbacks.blueprint, url_prefix="/komopay")
    app.testing = True
    environ = {"wsgi.input": Unreadable(), "wsgi.input_terminated": True}
    return app.test_client().post(f"/komopay/{SIGNATURE}", environ_overrides=environ)


def in_django() -> object:
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of the tests")  # noqa: S106
    from komopay.django import Callbacks

    request = HttpRequest()
    request.method, request.path = "POST", f"/komopay/{SIGNATURE}"

    def read(*_: object) -> bytes:
        raise UnreadablePostError("the caller is gone")

    setattr(request, "read", read)
    return Callbacks(client(), handler)._receive(request)


class Shown:
    """A provider whose token is at hand, and which fails."""

    def __call__(self) -> str:
        raise RuntimeError("no token today")


def unlistenable() -> object:
    with Sandbox(secret=SECRET) as taken:
        return Sandbox(secret=SECRET, port=int(taken.base_url.rsplit(":", 1)[1]))


async def fastapi_call(receive: Any, send: Any, **more: object) -> None:
    async with async_client() as made:
        await komopay.fastapi.Callbacks(made, handler)(scope(**more), receive, send)


BAD_SETTINGS: list[dict[str, Any]] = [
    {"base_url": "http://api.komopay.id"},
    {"base_url": f"https://user:{PASSWORD}@api.komopay.id"},
    {"base_url": 7},
    {"secret": f"{SECRET}\n" * 600},
    {"secret": SECRET, "token": TOKEN},
    {"merchant_code": None, "secret": SECRET},
    {"merchant_code": None, "secret": None, "token": f"{TOKEN}\n"},
    {"proxy": f"http://user:{PASSWORD}@["},
    {"ca_file": "/nowhere", "proxy": f"http://user:{PASSWORD}@proxy:3128"},
    {"callback_keys": [SECRET]},
    {"callback_keys": CALLBACK_KEY},
    {"pool_size": "many", "callback_keys": [CALLBACK_KEY]},
    {"no_such_setting": CALLBACK_KEY},
    {"max_amount": {"IDR": 1.5}},
]

MAKERS: dict[str, Callable[..., object]] = {
    "Client": Client,
    "Client.from_env": Client.from_env,
    "AsyncClient": AsyncClient,
    "AsyncClient.from_env": AsyncClient.from_env,
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("bad", BAD_SETTINGS, ids=lambda bad: " ".join(bad))
def test_no_setting_is_a_local_of_ours_when_a_client_cannot_be_made(maker: str, bad: dict[str, Any]) -> None:
    with pytest.raises((komopay.ConfigurationError, TypeError)) as caught:
        MAKERS[maker](**given(**bad))
    frames = check(caught.value)
    assert bool(frames) == maker.startswith("Async"), "the frames of AsyncClient were looked at"


CALLS: dict[str, Callable[[], object]] = {
    "a request of the wrong type": in_loop(
        lambda made: made.create_payout("A", cast("Any", {"account": ACCOUNT_NUMBER}))
    ),
    "a create that cannot be sent": in_loop(lambda made: made.create_payout("A", cast("Any", request()))),
    "a payout id of the wrong form": in_loop(lambda made: made.get_payout("no such id!")),
    "a forged callback": in_loop(lambda made: made.handle_callback(BODY, SIGNED)),
    "a callback of the wrong type": in_loop(lambda made: made.handle_callback(cast("Any", SIGNED), SIGNED)),
    "a forged callback that is read": lambda: async_client().read_callback(BODY, SIGNED),
    "a callback outside of a loop": lambda: async_client().handle_callback(BODY, SIGNED).send(None),
    "a base URL with a password": lambda: async_client().callback_url(f"https://user:{PASSWORD}@shop.example", "A"),
    "a provider that fails": in_loop(lambda made: made.currencies(), merchant_code=None, secret=None, token=Shown()),
    "a token that is refused": in_loop(lambda made: made.currencies(), merchant_code=None, secret=None, token=TOKEN),
    "a sandbox with an inexact balance": lambda: Sandbox(secret=SECRET, balances={"IDR": cast("Any", 1.5)}),
    "a sandbox with a bad setting": lambda: Sandbox(secret=SECRET, processing_time=-1),
    "a sandbox on a port that is taken": unlistenable,
    "a client of a sandbox": lambda: Sandbox(secret=SECRET).client(
        pool_size=cast("Any", "many"), callback_keys=[CALLBACK_KEY]
    ),
    "a client of a sandbox with a token": lambda: Sandbox(secret=SECRET).client(token=f"{TOKEN}\n"),
    "an async client of a sandbox": lambda: Sandbox(secret=SECRET).async_client(callback_keys=CALLBACK_KEY),
    "fastapi, a caller that leaves": lambda: asyncio.run(fastapi_call(read_nothing, send_nothing)),
    "fastapi, an answer that nobody takes": lambda: asyncio.run(fastapi_call(receive_body, send_nothing)),
    "fastapi, another method": lambda: asyncio.run(fastapi_call(receive_body, send_nothing, method="GET")),
    "fastapi, no http": lambda: asyncio.run(fastapi_call(receive_body, send_nothing, type="a kind of its own")),
    "fastapi, a server with another path": lambda: asyncio.run(
        fastapi_call(receive_body, send_nothing, raw_path=f"/{SIGNATURE}")
    ),
    "fastapi, a websocket that is gone": lambda: asyncio.run(
        fastapi_call(receive_body, send_nothing, type="websocket")
    ),
    "flask, a caller that leaves": in_flask,
    "django, a caller that leaves": in_django,
    "a worker with no function": lambda: ChangeWorker(client(), cast("Any", SECRET and None)),
    "an async worker with a bad interval": lambda: AsyncChangeWorker(async_client(), handler, interval=0),
}


def request() -> komopay.PayoutRequest:
    account = komopay.BankAccount(name="Test account", number=ACCOUNT_NUMBER)
    bank = komopay.BankTransfer(operator_code="BNK_000", account=account)
    return komopay.PayoutRequest(money=komopay.Money("10000", "IDR"), method=bank, callback_url=SIGNED)


@pytest.mark.parametrize("call", CALLS)
def test_nothing_secret_is_a_local_of_ours_when_a_call_raises(call: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        CALLS[call]()
    assert check(caught.value), "a frame of ours was looked at"


@pytest.mark.parametrize("tool", [_listen.main, _trigger.main])
def test_nothing_secret_is_a_local_of_the_tools(
    tool: Callable[[list[str]], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They catch what their clients raise, so what is looked at are their frames while that is raised."""
    seen: list[str] = []

    def look(*_: object, **__: object) -> None:
        frame: FrameType | None = sys._getframe()
        frames = []
        while frame is not None:
            if is_ours(frame.f_code.co_filename):
                frames.append(frame)
            frame = frame.f_back
        seen.append(shows(frames))
        raise komopay.ConfigurationError("as it is asked for")

    environment = {"BASE_URL": "http://127.0.0.1:1", "MERCHANT_CODE": "M", "SECRET": SECRET}
    for name, value in {**environment, "CALLBACK_KEYS": CALLBACK_KEY}.items():
        monkeypatch.setenv(f"KOMOPAY_{name}", value)
    monkeypatch.setattr(_listen, "Client", SimpleNamespace(from_env=look))
    arguments = ["--port", "0"] if tool is _listen.main else ["success"]
    assert tool(arguments) == 2
    assert len(seen) == 1 and not any(canary in seen[0] for canary in CANARIES), seen


def test_the_token_of_the_control_api_is_no_local_of_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOMOPAY_SANDBOX_TOKEN", PASSWORD)
    for url in ("https://api.sandbox.komopay.id", "http://[", "http://127.0.0.1:1"):
        with pytest.raises(Exception, match="KOMOPAY_BASE_URL") as caught:
            _trigger._Sandbox(url).control("GET", "health")
        assert check(caught.value), "a frame of ours was looked at"


def test_a_provider_that_raises_shows_nothing_of_what_it_knew() -> None:
    told: list[str] = []

    class Reply:
        def give(self, token: str) -> None:
            pytest.fail(f"it gave {len(token)} characters")

        def fail(self, name: str) -> None:
            told.append(name)

    def provider() -> str:
        raise RuntimeError(TOKEN)

    provide(provider, cast("Any", Reply()))
    assert told == ["RuntimeError"]


HALF_MADE: list[type] = [AsyncClient, Sandbox, ChangeWorker, AsyncChangeWorker]
HALF_MADE += [komopay.fastapi.Callbacks, komopay.flask.Callbacks]


@pytest.mark.parametrize("kind", HALF_MADE, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_what_is_half_made_shows_itself(kind: type) -> None:
    made: object = object.__new__(kind)
    assert kind.__name__ in repr(made) and kind.__name__ in str(made) and f"{made}"


def test_every_error_shows_itself_whatever_it_was_given() -> None:
    for kind in komopay.KomopayError.__subclasses__():
        for made in (kind.__new__(kind), kind("\ud800 alone"), kind(field="\udfff")):
            assert kind.__name__ in repr(made)
            assert isinstance(str(made), str)


def test_a_request_shows_neither_the_customers_address_nor_the_signature_of_its_callback_url() -> None:
    made = request()
    shown = repr(
        komopay.PayoutRequest(money=made.money, method=made.method, callback_url=SIGNED, customer_ip="203.0.113.7")
    )
    assert "callback_url='https://shop.example/komopay/[hidden]', customer_ip=[hidden]" in shown
    in_query = komopay.PayoutRequest(
        money=made.money, method=made.method, callback_url=f"https://shop.example/hook?komopay={SIGNATURE}"
    )
    assert "https://shop.example/hook?[hidden]" in repr(in_query)


def test_a_code_that_is_not_known_is_kept_as_it_came_and_shown_in_one_line() -> None:
    came = "HELD for 0123-4567\nINFO paid"
    payout = komopay.Payout(payout_id="A", money=komopay.Money("1", "IDR"), method_code="M", status=came)
    assert payout.status == came
    assert "status='HELD for [hidden] INFO paid'" in repr(payout)
