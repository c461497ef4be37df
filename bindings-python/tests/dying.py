"""An application that kills itself at one place between the receipt of a callback and its end. Run by test_adapters.py.

`DIE_AT` names the place and `DIE_ONCE` a file that is there until it has died. `HANDLED` is the file in which it notes
each change that `on_change` has dealt with.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from komopay import AsyncClient, Payout, PayoutChange, PostgresChangeStore, SqliteChangeStore
from komopay.fastapi import Callbacks


def die(place: str) -> None:
    token = Path(os.environ["DIE_ONCE"])
    if os.environ["DIE_AT"] == place and token.exists():
        token.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class DyingClient(AsyncClient):
    async def handle_callback(
        self, body: bytes, url: str, *, timeout: float | timedelta | None = None
    ) -> Payout:
        die("received")
        payout = await super().handle_callback(body, url, timeout=timeout)
        die("stored")
        return payout

    async def take_changes(self, *, limit: int = 100) -> list[PayoutChange]:
        taken = await super().take_changes(limit=limit)
        if taken:
            die("taken")
        return taken

    async def acknowledge_change(self, payout_id: str, sequence: int) -> None:
        die("handled")
        await super().acknowledge_change(payout_id, sequence)
        die("acknowledged")


async def on_change(change: PayoutChange) -> None:
    with open(os.environ["HANDLED"], "a") as file:
        file.write(f"{change.payout_id} {change.sequence} {change.payout.status}\n")
        file.flush()
        os.fsync(file.fileno())
    die("on_change")
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)


CHANGES = os.environ["SHOP_CHANGES"]
STORE = PostgresChangeStore(CHANGES) if CHANGES.startswith("postgresql://") else SqliteChangeStore(CHANGES)
client = DyingClient.from_env(change_store=STORE, change_lease=float(os.environ.get("SHOP_LEASE", "0.2")))
callbacks = Callbacks(client, on_change)
callbacks.worker._interval = 0.1
app = FastAPI(lifespan=callbacks.lifespan)

Message = MutableMapping[str, Any]


async def dying_at_answer(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    async def answer(message: Message) -> None:
        die("answering")
        await send(message)
        if not message.get("more_body", False) and message["type"] == "http.response.body":
            die("answered")

    await callbacks(scope, receive, answer)


app.mount("/komopay", dying_at_answer)
