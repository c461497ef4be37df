"""The runner of the conformance suite for Python: see tests/vectors/README.md. With --async, over `AsyncClient`.

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
from typing import Any, cast

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
    "keep_changes",
    "callback_timeout",
    "timeout",
    "validity",
}


# What the runner is told, as values of the package.


def decode_money(data: JSON) -> Money:
    return Money(**data)


def decode_method(data: JSON) -> BankTransfer | CryptoTransfer | WalletTransfer:
    of_method, of_account = METHODS[data["type"]]
    others = {name: value for name, value in data.items() if name not in ("type", "account")}
    made: BankTransfer | CryptoTransfer | WalletTransfer = of_method(account=of_account(**data["account"]), **others)
    return made


def decode_request(data: JSON) -> PayoutRequest:
    return PayoutRequest(**{**data, "money": decode_money(data["money"]), "method": decode_method(data["method"])})


def decode_scope(data: JSON) -> AccessScope:
    others = {name: value for name, value in data.items() if name != "type"}
    if others.get("money") is not None:
        others["money"] = decode_money(others["money"])
    make: Callable[..., AccessScope] = getattr(AccessScope, data["type"])
    return make(**others)


def decode_arguments(data: JSON) -> JSON:
    """Keyword arguments, by what they are called."""
    made: dict[str, Callable[[Any], object]] = {
        "money": decode_money,
        "request": decode_request,
        "scope": decode_scope,
        "body": decode_body,
        "expires_at": lambda moment: datetime.fromisoformat(moment.replace("Z", "+00:00")),
        "change_store": decode_change_store,
    }
    made |= dict.fromkeys(SPANS, lambda span: timedelta(milliseconds=span))
    return {name: made[name](value) if name in made else value for name, value in data.items()}


def decode_body(data: str | JSON) -> bytes:
    text: str = data if isinstance(data, str) else data["repeat"] * data["times"]
    return text.encode()


def decode_change_store(data: str) -> MemoryChangeStore | SqliteChangeStore:
    return MemoryChangeStore() if data == "memory" else SqliteChangeStore(data)


def decode_settings(data: JSON, provider: Callable[[list[str | None]], object]) -> JSON:
    known = decode_arguments({name: value for name, value in data.items() if name not in ("provider", "max_amount")})
    if "provider" in data:
        known["token"] = provider(data["provider"])
    if "max_amount" in data:
        known["max_amount"] = [decode_money(ceiling) for ceiling in data["max_amount"]]
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


def decode_value(data: JSON) -> Any:
    known = {name: value for name, value in data.items() if name != "is"}
    if data["is"] == "payout_id":
        # An id is a text in Python. What takes one checks it.
        AccessScope.read(known["payout_id"])
        return known["payout_id"]
    if data["is"] == "settings":
        with Client(**decode_settings(known, blocking_provider)) as client:
            return client
    make: dict[str, Callable[[JSON], object]] = {
        "money": decode_money,
        "payout_request": decode_request,
        "access_scope": decode_scope,
    }
    return make[data["is"]](known)


# Values of the package, as JSON.


def encode(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, (list, tuple)):
        return [encode(entry) for entry in value]
    if isinstance(value, KomopayError):
        return encode_error(value)
    if isinstance(value, AccessToken):
        return {"token": value.expose(), "expires_at": encode(value.expires_at)}
    if isinstance(value, AccessScope):
        # It has no attributes, and is pickled as the call that makes it.
        make, given = cast("tuple[Any, Any]", value.__reduce__())
        return {"type": make.__name__} | dict(zip(inspect.signature(make).parameters, map(encode, given)))
    if isinstance(value, (Client, AsyncClient)):
        return None
    kind = {"type": TYPES[type(value)]} if type(value) in TYPES else {}
    # Python keeps some words for itself: from_.
    return kind | {name.removesuffix("_"): encode(getattr(value, name)) for name in fields(value)}


def fields(value: object) -> list[str]:
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    return list(inspect.signature(type(value)).parameters)


def encode_error(error: KomopayError) -> JSON:
    carried = (
        *("http_status", "callback_status", "field", "reasons", "payout_id"),
        *("attempts", "retry_after", "payout", "cause"),
        "concerns",
    )
    row = encode_kind(type(error))
    shown = [str(error), repr(error), "".join(traceback.format_exception(error))]
    return row | {"message": error.message, "texts": shown} | {name: encode(getattr(error, name)) for name in carried}


def encode_kind(kind: type[KomopayError]) -> JSON:
    return {name: getattr(kind, name) for name in ("kind", "retryable", "money_may_have_moved")}


# What the runner does.


def without_client(command: JSON) -> Any:
    """What needs no client of the runner's."""
    if command["do"] == "make":
        return encode(decode_value(command["value"]))
    if command["do"] == "equal":
        left, right = decode_value(command["left"]), decode_value(command["right"])
        return {"equal": left == right, "same_hash": hash(left) == hash(right)}
    if command["do"] == "show":
        made = decode_value(command["value"])
        return {"texts": [str(made), repr(made)]}
    if command["do"] == "fingerprint":
        return decode_request(command["request"]).fingerprint(command["key"].encode())
    if command["do"] == "matches_fingerprint":
        return decode_request(command["request"]).matches_fingerprint(command["key"].encode(), command["stored"])
    if command["do"] == "kinds":
        return [encode_kind(kind) for kind in KomopayError.__subclasses__()]
    raise NotImplementedError(command["do"])


def operation(client: Client | AsyncClient, command: JSON) -> Any:
    """Makes a call: its value, or what to await for it."""
    known = decode_arguments(command["arguments"])
    listed = known.pop("currencies", ()) if command["operation"] == "balances" else ()
    return getattr(client, command["operation"])(*listed, **known)


def refused(error: Exception) -> JSON:
    if isinstance(error, KomopayError):
        return {"error": encode_error(error)}
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
            self.result = {"ok": encode(self.make())}
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

    def do(self, command: JSON) -> JSON:
        if command["do"] == "open":
            self.clients[command["client"]] = Client(**decode_settings(command["settings"], blocking_provider))
        elif command["do"] == "call":
            return {"ok": encode(operation(self.clients[command["client"]], command))}
        elif command["do"] == "start":
            self.start(command)
        elif command["do"] == "cancel":
            self.calls[command["call"]].begun.wait()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        elif command["do"] == "finish":
            call = self.calls.pop(command["call"])
            call.ended.wait()
            return call.result
        elif command["do"] == "close":
            self.clients[command["client"]].close()
        else:
            return {"ok": without_client(command)}
        return {"ok": None}

    def start(self, command: JSON) -> None:
        client = self.clients[command["client"]]
        call = BlockingCall(lambda: operation(client, command))
        if all(other.ended.is_set() for other in self.calls.values()):
            self.started.put(call)
        else:
            threading.Thread(target=call.run, daemon=True).start()
        self.calls[command["call"]] = call


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

    async def do(self, command: JSON) -> JSON:
        if command["do"] == "open":
            self.clients[command["client"]] = AsyncClient(**decode_settings(command["settings"], async_provider))
        elif command["do"] == "call":
            made = operation(self.clients[command["client"]], command)
            # What sends nothing is not awaited.
            return {"ok": encode(await made if inspect.isawaitable(made) else made)}
        elif command["do"] == "start":
            self.calls[command["call"]] = asyncio.create_task(operation(self.clients[command["client"]], command))
        elif command["do"] == "cancel":
            self.calls[command["call"]].cancel()
        elif command["do"] == "finish":
            try:
                return {"ok": encode(await self.calls.pop(command["call"]))}
            except asyncio.CancelledError:
                return CANCELLED
        elif command["do"] == "close":
            await self.clients[command["client"]].close()
        else:
            return {"ok": without_client(command)}
        return {"ok": None}


if __name__ == "__main__":
    # The conductor looks for canaries in the log, too.
    logging.basicConfig(level=logging.DEBUG)
    if "--async" in sys.argv:
        asyncio.run(Async().run())
    else:
        Blocking().run()
