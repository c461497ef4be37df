"""Receives callbacks in Django.

    callbacks = Callbacks(client, on_change)
    urlpatterns = [*callbacks.urls("komopay/")]

and in `wsgi.py`, after `get_wsgi_application()`, `callbacks.start()`.

`client` is a `Client` with `callback_keys` and a `change_store`. Give
`client.callback_url("https://shop.example/komopay", payout_id)` as the `callback_url` of a request; `on_change` is then
given each change of the payout once, on a thread of its own (see `komopay.changes`, which also says what several hosts
need). The answer is 200 when the store has the change, and else what makes the platform repeat the callback, or not.

The view asks for no CSRF token and no login (`LoginRequiredMiddleware`). Let middleware of your own that asks for one
ask the view, as Django's does: `getattr(view_func, "login_required", True)`. A middleware may read `request.body`; what
it takes out of `request.read()` is gone, and the callback refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, RawPostDataException
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from komopay import Client, KomopayError
from komopay._opaque import Opaque
from komopay._receiving import check_client, read_body
from komopay.changes import ChangeWorker, _is_async

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Callbacks"]


class Callbacks:
    """Receives callbacks at its `urls`.

    Errors: `ConfigurationError`, naming `callback_keys` or `change_store`, if the client has none; `TypeError`, naming
    `on_change`, if that is a coroutine function or a generator function.
    """

    def __init__(self, client: Client, on_change: Callable[[PayoutChange], object]) -> None:
        check_client(client, Client)
        self.client: Client = client
        _ = _is_async(on_change, has_loop=False)

        def handle(change: PayoutChange) -> object:
            # As Django does around each request: the worker's thread has connections of its own.
            close_old_connections()
            try:
                return on_change(change)
            finally:
                close_old_connections()

        self.worker: ChangeWorker = ChangeWorker(client, handle)

    def urls(self, prefix: str) -> list[URLPattern]:
        """The pattern under which callbacks are received; the prefix is the path of the base URL.

        Where an `include` has that prefix already, give an empty one.
        """
        base = re.escape(prefix.strip("/"))
        route = f"^{base}(?:/|$)" if base else "^"
        # The platform has no CSRF token and no login; the signature says what it may.
        view = csrf_exempt(require_POST(self._receive))
        # As `login_not_required` of Django 5.1 does; before it there is no middleware that asks.
        setattr(view, "login_required", False)
        return [re_path(route, view, name="komopay")]

    def start(self) -> None:
        """Handles what an earlier process left behind. Without it, that waits for the first callback.

        Call it where the application is made that serves, such as `wsgi.py`, and not where commands come along.
        """
        self.worker.start()

    def _receive(self, request: HttpRequest) -> HttpResponse:
        # A request shows its path, and with it the signature, in every report of what raises below.
        body, handle = Opaque(_body, request), Opaque(self.client.handle_callback, url=request.get_full_path())
        del request
        try:
            _ = handle(body())
        except KomopayError as error:
            return HttpResponse(status=error.callback_status)
        self.worker.wake()
        return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    environ: dict[str, object] = getattr(request, "environ", {})
    # Of a body without a length Django reads nothing, but servers like gunicorn end it themselves, and say so.
    is_chunked = not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated")
    stream = cast("BinaryIO", environ["wsgi.input"]) if is_chunked else request
    kept, read = Opaque(getattr, request, "body"), Opaque(stream.read)
    del request, environ, stream
    if body := read_body(read):
        return body
    try:
        # What the application has read already, the framework keeps.
        return cast("bytes", kept())
    except RawPostDataException:
        return b""
