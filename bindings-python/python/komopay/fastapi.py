"""Receives callbacks in FastAPI, Starlette and every other ASGI framework.

    callbacks = Callbacks(client, on_change)
    app = FastAPI(lifespan=callbacks.lifespan)
    app.mount("/komopay", callbacks)

`client` is an `AsyncClient` with `callback_keys` and a `change_store`. Give
`client.callback_url("https://shop.example/komopay", payout_id)` as the `callback_url` of a request; `on_change` is then given
each change of the payout once (see `komopay.changes`). The answer is 200 when the store has the change, and else what makes
the platform repeat the callback, or not.

With `place="query"` the base URL ends with a slash, since a mount redirects to that.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, cast

from komopay import AsyncClient, KomopayError
from komopay._native import _Opaque
from komopay._receiving import READ_AT_MOST, check_client, status_of
from komopay.changes import AsyncChangeWorker

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Callbacks"]

_Message = MutableMapping[str, object]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class Callbacks:
    """An ASGI application that receives callbacks. Mount it, and give its `lifespan` to the application.

    Without the `lifespan`, changes that an earlier process left behind wait for the first callback.
    """

    def __init__(
        self, client: AsyncClient, on_change: Callable[[PayoutChange], Awaitable[object] | object]
    ) -> None:
        check_client(client, AsyncClient)
        self.client: AsyncClient = client
        self.worker: AsyncChangeWorker = AsyncChangeWorker(client, on_change)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: object) -> AsyncGenerator[None, None]:
        """Handles changes as long as the application runs; at its end it waits for `on_change`, and closes the client."""
        async with self.client, self.worker:
            yield

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        kind, method = scope["type"], scope.get("method")
        handle = _Opaque(self.client.handle_callback, url=_url(scope) if kind == "http" else "")
        # It holds the signature, which no report of what raises below shall show.
        del scope
        if kind != "http":
            raise RuntimeError(f"komopay.fastapi answers http only, not {kind}")
        if method != "POST":
            await _answer(send, 405, [(b"allow", b"POST")])
            return
        body = await _read(receive)
        if body is None:
            return  # The caller has left.
        try:
            _ = await handle(body)
        except KomopayError as error:
            await _answer(send, status_of(error))
        else:
            self.worker.wake()
            await _answer(send, 200)


async def _read(receive: _Receive) -> bytes | None:
    """The body, or as much of one that is too large as shows that it is."""
    body = bytearray()
    while len(body) < READ_AT_MOST:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += cast("bytes", message.get("body", b""))
        if not message.get("more_body", False):
            break
    return bytes(body[:READ_AT_MOST])


def _url(scope: _Message) -> str:
    path = cast("bytes | None", scope.get("raw_path")) or cast("str", scope["path"]).encode()
    query = cast("bytes", scope.get("query_string", b""))
    return (path + b"?" + query).decode("latin-1")


async def _answer(send: _Send, status: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    start: _Message = {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), *(headers or [])]}
    await send(start)
    await send({"type": "http.response.body", "body": b""})
