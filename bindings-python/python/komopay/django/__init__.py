"""An app for Django: a client made of the settings, a view that receives callbacks, a command that handles changes.

    # settings.py
    INSTALLED_APPS = [..., "komopay.django"]
    KOMOPAY = {
        "change_store": BASE_DIR / "changes.sqlite",
        "HANDLER": "shop.payouts.on_change",
    }

    # urls.py
    urlpatterns = [..., path("komopay/", include("komopay.django.urls"))]

    $ python manage.py komopay_changes

`KOMOPAY` takes every setting of `Client` by its name; what of these it has not is read from the environment, as
`Client.from_env` does: `KOMOPAY_MERCHANT_CODE`, `KOMOPAY_SECRET`, `KOMOPAY_BASE_URL`, `KOMOPAY_CALLBACK_KEYS`. Names of
the app's own are in capitals:

- `HANDLER`: the dotted path of the function that is given each change once, async or not (see `komopay.changes`).
- `HANDLE_IN_WEB`: True if the processes that serve handle changes, too, each on a thread that the first callback
  starts; False by default. Then they only record them, and one or more of `python manage.py komopay_changes` handle
  them; that ends when it gets a SIGTERM or a SIGINT, after the change that is at work, and with `--once` when nothing
  is left.

`change_store` may be a path, which is that of a `SqliteChangeStore`, or a URL (`postgresql://...`), which is that of a
`PostgresChangeStore`, for several hosts. `manage.py check` tells of every setting that cannot be used, and with
`--deploy` of those that are missing; they are an `ImproperlyConfigured` when they are used.

`client()` is the process's client, `async_client()` the one for async views. Give
`client().callback_url("https://shop.example/komopay", payout_id)` as the `callback_url` of a request. The answer to a
callback is 200 when the store has the change, and else what makes the platform repeat the callback, or not.

Without the app, by hand:

    callbacks = Callbacks(client, on_change)
    urlpatterns = [*callbacks.urls("komopay/")]

and in `wsgi.py`, after `get_wsgi_application()`, `callbacks.start()`.

The view asks for no CSRF token and no login (`LoginRequiredMiddleware`). Let middleware of your own that asks for one
ask the view, as Django's does: `getattr(view_func, "login_required", True)`. A middleware may read `request.body`; what
it takes out of `request.read()` is gone, and the callback refused.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, RawPostDataException
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from komopay import Client, KomopayError
from komopay._opaque import Opaque
from komopay._receiving import check_client, read_body
from komopay.changes import ChangeWorker, _is_async
from komopay.django._settings import async_client, client

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Callbacks", "async_client", "client"]


class Callbacks:
    """Receives callbacks at its `urls`, and gives each change to `on_change`, which may be async.

    `handle` says whether a callback starts the worker; without that, changes are handled where `start` is called, or by
    the worker of another process.

    Errors: `ConfigurationError`, naming `callback_keys` or `change_store`, if the client has none; `TypeError`, naming
    `on_change`, if that is a generator function.
    """

    def __init__(
        self,
        client: Client,
        on_change: Callable[[PayoutChange], Awaitable[object] | object],
        *,
        handle: bool = True,
    ) -> None:
        check_client(client, Client)
        self.client: Client = client
        self.worker: ChangeWorker = _worker(client, on_change)
        self._wake: Callable[[], None] = self.worker.wake if handle else _nothing

    def urls(self, prefix: str) -> list[URLPattern]:
        """The pattern under which callbacks are received; the prefix is the path of the base URL.

        Where an `include` has that prefix already, give an empty one.
        """
        base = re.escape(prefix.strip("/"))
        route = f"^{base}(?:/|$)" if base else "^"
        return [re_path(route, _open_to_the_platform(self._receive), name="komopay")]

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
        self._wake()
        return HttpResponse(status=200)


def _open_to_the_platform(receive: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A view for the platform, which has no CSRF token and no login: the signature says what it may."""
    view = csrf_exempt(require_POST(receive))
    # As `login_not_required` of Django 5.1 does; before it there is no middleware that asks.
    setattr(view, "login_required", False)
    return view


def _nothing() -> None:
    """The worker of another process finds it."""


def _worker(
    client: Client, on_change: Callable[[PayoutChange], Awaitable[object] | object], *, interval: float = 5.0
) -> ChangeWorker:
    """A worker that treats connections to databases as Django does around each request."""
    _ = _is_async(on_change)

    def handle(change: PayoutChange) -> object:
        # Those of this thread.
        close_old_connections()
        try:
            made = on_change(change)
        finally:
            close_old_connections()
        return _awaited(cast("Awaitable[object]", made)) if isinstance(made, Awaitable) else made

    return ChangeWorker(client, handle, interval=interval)


async def _awaited(made: Awaitable[object]) -> object:
    # Those of the thread that Django's async functions use.
    await sync_to_async(close_old_connections)()
    try:
        return await made
    finally:
        await sync_to_async(close_old_connections)()


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
