"""Receives callbacks in FastAPI, Starlette and every other ASGI framework.

    callbacks = Callbacks(client, on_change)
    app = FastAPI(lifespan=callbacks.lifespan)
    app.mount("/komopay", callbacks)

`client` is an `AsyncClient` with `callback_keys` and a `change_store`. Give
`client.callback_url("https://shop.example/komopay", payout_id)` as the `callback_url` of a request; `on_change` is then
given each change of the payout once (see `komopay.changes`, which also says what several hosts need). The answer is 200
when the store has the change, and else what makes the platform repeat the callback, or not.

An application with a lifespan of its own enters that of the callbacks in it, and closes its client after that:

    @asynccontextmanager
    async def lifespan(app):
        async with client, callbacks.lifespan(app):
            yield

A mount answers a path without its slash at the end with a redirect. So where URLs are signed in their query
(`place="query"`), their base ends with a slash, or the one path is a route: `app.add_route("/komopay", callbacks)`.

A middleware may read the body where the framework keeps it (`BaseHTTPMiddleware`); what it takes out of
`request.stream()` is gone, and the callback refused. A middleware that asks for a login has to let the path of the
callbacks pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, cast

from komopay import AsyncClient, KomopayError
from komopay._opaque import Opaque
from komopay._receiving import READ_AT_MOST, check_client
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

    Errors: `ConfigurationError`, naming `callback_keys` or `change_store`, if the client has none; `TypeError`, naming
    `on_change`, if that is a generator function.
    """

    def __init__(self, client: AsyncClient, on_change: Callable[[PayoutChange], Awaitable[object] | object]) -> None:
        check_client(client, AsyncClient)
        self.client: AsyncClient = client
        self.worker: AsyncChangeWorker = AsyncChangeWorker(client, on_change)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: object) -> AsyncGenerator[None, None]:
        """Handles changes as long as the application runs; at its end it waits for `on_change`. The client stays open.

        It may be entered again, and by several applications.
        """
        async with self.worker:
            yield

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        kind, method, url = scope["type"], scope.get("method"), Opaque(_url, scope)
        # It holds the signature, which no report of what raises below shall show.
        del scope
        if kind == "http" and method == "POST":
            await self._receive(Opaque(self.client.handle_callback, url=url()), receive, send)
        elif kind == "http":
            await _answer(send, 405, [(b"allow", b"POST")])
        elif kind == "websocket":
            # Before it is accepted: the server answers 403.
            await send({"type": "websocket.close", "code": 1000})
        elif kind == "lifespan":
            _ = await receive()
            async with self.lifespan(None):
                await send({"type": "lifespan.startup.complete"})
                _ = await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            # As the specification wants it: servers try, and go without.
            raise ValueError(f"komopay.fastapi knows no {kind}")

    async def _receive(self, handle: Callable[[bytes], Awaitable[object]], receive: _Receive, send: _Send) -> None:
        body = await _read(receive)
        if body is None:
            return  # The caller has left.
        try:
            _ = await handle(body)
        except KomopayError as error:
            await _answer(send, error.callback_status)
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
    path, query = scope.get("raw_path"), scope.get("query_string", b"")
    if path is None:
        path = str(scope.get("path")).encode(errors="replace")
    del scope
    if not (isinstance(path, bytes) and isinstance(query, bytes)):
        del path, query
        raise TypeError("the server gives raw_path and query_string as something else than bytes")
    return (path + b"?" + query).decode("latin-1")


async def _answer(send: _Send, status: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-length", b"0"), *(headers or [])]
    start: _Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b""})
