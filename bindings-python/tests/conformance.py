"""The runner of the conformance suite for Python: see tests/vectors/README.md. With --async, over the client for asyncio.

It makes calls of what it is told, and JSON of what comes back. It compares nothing and decides nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import logging
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import chain, repeat
from typing import Any

from komopay import (
    AccessScope,
    AccessToken,
    AsyncClient,
    BankAccount,
    BankTransfer,
    Client,
    CryptoAccount,
    CryptoTransfer,
    KomopayError,
    MemoryChangeStore,
    Money,
    PayoutRequest,
    SqliteChangeStore,
    WalletAccount,
    WalletTransfer,
)

JSON = dict[str, Any]

METHODS = {
    "bank_transfer": (BankTransfer, BankAccount),
    "crypto_transfer": (CryptoTransfer, CryptoAccount),
    "wallet_transfer": (WalletTransfer, WalletAccount),
}
TYPES: dict[type, str] = {method: name for name, (method, _) in METHODS.items()}
SPANS = {
    "token_validity",
    "total_timeout",
    "attempt_timeout",
    "connect_timeout",
    "settle_window",
    "backoff_base",
    "backoff_cap",
    "change_lease",
    "callback_timeout",
    "timeout",
    "validity",
}
# What follows from other fields is none.
DERIVED = {"is_final"}


# What the runner is told, as values of the package.


def money(told: JSON) -> Money:
    return Money(**told)


def method(told: JSON) -> BankTransfer | CryptoTransfer | WalletTransfer:
    of_method, of_account = METHODS[told["type"]]
    others = {name: value for name, value in told.items() if name not in ("type", "account")}
    made: BankTransfer | CryptoTransfer | WalletTransfer = of_method(account=of_account(**told["account"]), **others)
    return made


def request(told: JSON) -> PayoutRequest:
    return PayoutRequest(**{**told, "money": money(told["money"]), "method": method(told["method"])})


def scope(told: JSON) -> AccessScope:
    others = {name: value for name, value in told.items() if name != "type"}
    if others.get("money") is not None:
        others["money"] = money(others["money"])
    make: Callable[..., AccessScope] = getattr(AccessScope, told["type"])
    return make(**others)


def arguments(told: JSON) -> JSON:
    """Keyword arguments, by what they are called."""
    made: dict[str, Callable[[Any], object]] = {
        "money": money,
        "request": request,
        "scope": scope,
        "body": body,
        "expires_at": lambda moment: datetime.fromisoformat(moment.replace("Z", "+00:00")),
        "change_store": change_store,
    }
    made |= dict.fromkeys(SPANS, lambda span: timedelta(milliseconds=span))
    return {name: made[name](value) if name in made else value for name, value in told.items()}


def body(told: str | JSON) -> bytes:
    text: str = told if isinstance(told, str) else told["repeat"] * told["times"]
    return text.encode()


def change_store(told: str) -> MemoryChangeStore | SqliteChangeStore:
    return MemoryChangeStore() if told == "memory" else SqliteChangeStore(told)


def settings(told: JSON, provider: Callable[[list[str | None]], object]) -> JSON:
    known = arguments({name: value for name, value in told.items() if name not in ("provider", "max_amount")})
    if "provider" in told:
        known["token"] = provider(told["provider"])
    if "max_amount" in told:
        known["max_amount"] = [money(ceiling) for ceiling in told["max_amount"]]
    return known


def blocking_provider(tokens: list[str | None]) -> Callable[[], str]:
    """Gives one after the other, the last one for ever."""
    turns = chain(tokens, repeat(tokens[-1]))

    def provide() -> str:
        token = next(turns)
        if token is None:
            raise RuntimeError("told to fail")
        return token

    return provide


def async_provider(tokens: list[str | None]) -> Callable[[], Awaitable[str]]:
    provide = blocking_provider(tokens)

    async def provide_later() -> str:
        return provide()

    return provide_later


def value(told: JSON) -> Any:
    known = {name: value for name, value in told.items() if name != "is"}
    if told["is"] == "payout_id":
        # An id is a text in Python. What takes one checks it.
        AccessScope.read(known["payout_id"])
        return known["payout_id"]
    if told["is"] == "settings":
        with Client(**settings(known, blocking_provider)) as client:
            return client
    make: dict[str, Callable[[JSON], object]] = {"money": money, "payout_request": request, "access_scope": scope}
    return make[told["is"]](known)


# Values of the package, as JSON.


def said(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, (list, tuple)):
        return [said(entry) for entry in value]
    if isinstance(value, KomopayError):
        return said_error(value)
    if isinstance(value, AccessToken):
        return {"token": value.expose(), "expires_at": said(value.expires_at)}
    if isinstance(value, AccessScope):
        # It has no attributes, and is pickled as the call that makes it.
        make, given = value.__reduce__()
        return {"type": make.__name__} | dict(zip(inspect.signature(make).parameters, map(said, given)))
    if isinstance(value, (Client, AsyncClient)):
        return None
    kind = {"type": TYPES[type(value)]} if type(value) in TYPES else {}
    # Python keeps some words for itself: from_.
    return kind | {name.removesuffix("_"): said(getattr(value, name)) for name in fields(value)}


def fields(value: object) -> list[str]:
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    members = vars(type(value)).items()
    return [name for name, member in members if inspect.isgetsetdescriptor(member) and name not in DERIVED]


def said_error(error: KomopayError) -> JSON:
    carried = (
        *("http_status", "callback_status", "field", "reasons", "payout_id", "attempts", "retry_after", "payout", "cause"),
        "concerns",
    )
    row = said_kind(type(error))
    shown = [str(error), repr(error), "".join(traceback.format_exception(error))]
    return row | {"message": error.message, "texts": shown} | {name: said(getattr(error, name)) for name in carried}


def said_kind(kind: type[KomopayError]) -> JSON:
    return {name: getattr(kind, name) for name in ("kind", "retryable", "money_may_have_moved")}


# What the runner does.


def without_client(told: JSON) -> Any:
    """What needs no client of the runner's."""
    if told["do"] == "make":
        return said(value(told["value"]))
    if told["do"] == "equal":
        left, right = value(told["left"]), value(told["right"])
        return {"equal": left == right, "same_hash": hash(left) == hash(right)}
    if told["do"] == "show":
        made = value(told["value"])
        return {"texts": [str(made), repr(made)]}
    if told["do"] == "fingerprint":
        return request(told["request"]).fingerprint(told["key"].encode())
    if told["do"] == "matches_fingerprint":
        return request(told["request"]).matches_fingerprint(told["key"].encode(), told["stored"])
    if told["do"] == "kinds":
        return [said_kind(kind) for kind in KomopayError.__subclasses__()]
    raise NotImplementedError(told["do"])


def operation(client: Client | AsyncClient, told: JSON) -> Any:
    """Makes a call: its value, or what to await for it."""
    known = arguments(told["arguments"])
    listed = known.pop("currencies", ()) if told["operation"] == "balances" else ()
    return getattr(client, told["operation"])(*listed, **known)


def refused(error: Exception) -> JSON:
    if isinstance(error, KomopayError):
        return {"error": said_error(error)}
    return {"broken": f"{type(error).__name__}: {error}"}


def answer(result: JSON) -> None:
    print(json.dumps(result), flush=True)


CANCELLED: JSON = {"cancelled": True}


class BlockingCall:
    """A call on its way. Unless it says something else in the end, its caller was released by the cancel."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.result = CANCELLED
        self.begun = threading.Event()
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self.begun.set()
            self.result = {"ok": said(self.make())}
        except Exception as error:
            self.result = refused(error)
        finally:
            self.ended.set()


class Blocking:
    """Over the client for threads. A call that was started runs on the main thread, which alone can get a Ctrl-C."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.calls: dict[str, BlockingCall] = {}
        self.started: queue.SimpleQueue[BlockingCall | None] = queue.SimpleQueue()

    def run(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=self.listen).start()
        going = True
        while going:
            try:
                call = self.started.get()
                going = call is not None
                if call is not None:
                    call.run()
            except KeyboardInterrupt:
                pass

    def listen(self) -> None:
        for line in sys.stdin:
            try:
                answer(self.do(json.loads(line)))
            except Exception as error:
                answer(refused(error))
        self.started.put(None)

    def do(self, told: JSON) -> JSON:
        if told["do"] == "open":
            self.clients[told["client"]] = Client(**settings(told["settings"], blocking_provider))
        elif told["do"] == "call":
            return {"ok": said(operation(self.clients[told["client"]], told))}
        elif told["do"] == "start":
            self.start(told)
        elif told["do"] == "cancel":
            self.calls[told["call"]].begun.wait()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        elif told["do"] == "finish":
            call = self.calls.pop(told["call"])
            call.ended.wait()
            return call.result
        elif told["do"] == "close":
            self.clients[told["client"]].close()
        else:
            return {"ok": without_client(told)}
        return {"ok": None}

    def start(self, told: JSON) -> None:
        client = self.clients[told["client"]]
        call = BlockingCall(lambda: operation(client, told))
        if all(other.ended.is_set() for other in self.calls.values()):
            self.started.put(call)
        else:
            threading.Thread(target=call.run, daemon=True).start()
        self.calls[told["call"]] = call


class Async:
    """Over the client for asyncio."""

    def __init__(self) -> None:
        self.clients: dict[str, AsyncClient] = {}
        self.calls: dict[str, asyncio.Task[Any]] = {}

    async def run(self) -> None:
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                answer(await self.do(json.loads(line)))
            except Exception as error:
                answer(refused(error))

    async def do(self, told: JSON) -> JSON:
        if told["do"] == "open":
            self.clients[told["client"]] = AsyncClient(**settings(told["settings"], async_provider))
        elif told["do"] == "call":
            made = operation(self.clients[told["client"]], told)
            # What sends nothing is not awaited.
            return {"ok": said(await made if inspect.isawaitable(made) else made)}
        elif told["do"] == "start":
            self.calls[told["call"]] = asyncio.create_task(operation(self.clients[told["client"]], told))
        elif told["do"] == "cancel":
            self.calls[told["call"]].cancel()
        elif told["do"] == "finish":
            try:
                return {"ok": said(await self.calls.pop(told["call"]))}
            except asyncio.CancelledError:
                return CANCELLED
        elif told["do"] == "close":
            await self.clients[told["client"]].close()
        else:
            return {"ok": without_client(told)}
        return {"ok": None}


if __name__ == "__main__":
    # The conductor looks for canaries in the log, too.
    logging.basicConfig(level=logging.DEBUG)
    if "--async" in sys.argv:
        asyncio.run(Async().run())
    else:
        Blocking().run()
