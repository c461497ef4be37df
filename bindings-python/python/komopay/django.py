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

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from komopay import Callback, Client, KomopayError
from komopay.changes import ChangeWorker, check_client

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Callbacks"]

_LOG = logging.getLogger("komopay.callbacks")


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
        """The pattern under which callbacks are received; the prefix is the path of the base URL."""
        # The platform has no CSRF token; the signature says what it may.
        return [re_path(rf"^{prefix.strip('/')}(?:/|$)", csrf_exempt(require_POST(self._receive)), name="komopay")]

    def start(self) -> None:
        """Handles what an earlier process left behind. Without it, that waits for the first callback.

        Call it where the application is made that serves, such as `wsgi.py`, and not where commands come along.
        """
        self.worker.start()

    def _receive(self, request: HttpRequest) -> HttpResponse:
        # One byte more than is allowed shows that there are more; the rest is not read.
        body = request.read(Callback.LARGEST_BODY + 1)
        try:
            _ = self.client.handle_callback(body, request.get_full_path())
        except KomopayError as error:
            _LOG.warning("a callback is answered with %d: %s", error.callback_status, error)
            return HttpResponse(status=error.callback_status)
        self.worker.wake()
        return HttpResponse(status=200)
