"""Receives callbacks in Django.

    callbacks = Callbacks(client, on_change)
    urlpatterns = [*callbacks.urls("komopay/")]

and in `wsgi.py`, after `get_wsgi_application()`, `callbacks.start()`.

`client` is a `Client` with `callback_keys` and a `change_store`. Give
`client.callback_url("https://shop.example/komopay", payout_id)` as the `callback_url` of a request; `on_change` is then given
each change of the payout once, on a thread of its own (see `komopay.changes`). The answer is 200 when the store has the
change, and else what makes the platform repeat the callback, or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from komopay import Client, KomopayError
from komopay._native import _Opaque
from komopay._receiving import check_client, read_body, status_of
from komopay.changes import ChangeWorker

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Callbacks"]


class Callbacks:
    """Receives callbacks at its `urls`."""

    def __init__(self, client: Client, on_change: Callable[[PayoutChange], object]) -> None:
        check_client(client, Client)
        self.client: Client = client

        def handle(change: PayoutChange) -> None:
            # As Django does around each request: the worker's thread has connections of its own.
            close_old_connections()
            try:
                _ = on_change(change)
            finally:
                close_old_connections()

        self.worker: ChangeWorker = ChangeWorker(client, handle)

    def urls(self, prefix: str) -> list[URLPattern]:
        """The pattern under which callbacks are received; the prefix is the path of the base URL.

        Where an `include` has that prefix already, give an empty one.
        """
        base = re.escape(prefix.strip("/"))
        route = f"^{base}(?:/|$)" if base else "^"
        # The platform has no CSRF token; the signature says what it may.
        return [re_path(route, csrf_exempt(require_POST(self._receive)), name="komopay")]

    def start(self) -> None:
        """Handles what an earlier process left behind. Without it, that waits for the first callback.

        Call it where the application is made that serves, such as `wsgi.py`, and not where commands come along.
        """
        self.worker.start()

    def _receive(self, request: HttpRequest) -> HttpResponse:
        # A request shows its path, and with it the signature, in every report of what raises below.
        read, handle = _Opaque(request.read), _Opaque(self.client.handle_callback, url=request.get_full_path())
        del request
        try:
            _ = handle(read_body(read))
        except KomopayError as error:
            return HttpResponse(status=status_of(error))
        self.worker.wake()
        return HttpResponse(status=200)
