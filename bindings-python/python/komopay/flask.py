"""Receives callbacks in Flask.

    callbacks = Callbacks(client, on_change)
    app.register_blueprint(callbacks.blueprint, url_prefix="/komopay")
    callbacks.start()

`client` is a `Client` with `callback_keys` and a `change_store`. Give
`client.callback_url("https://shop.example/komopay", payout_id)` as the `callback_url` of a request; `on_change`, async
or not, is then given each change of the payout once, on a thread of its own (see `komopay.changes`, which also says
what several hosts need). The answer is 200 when the store has the change, and else what makes the platform repeat the
callback, or not.

The platform has no session and no CSRF token; the signature says what it may. So take the blueprint out of what asks
for them:

    csrf = CSRFProtect(app)  # of Flask-WTF
    csrf.exempt(callbacks.blueprint)

    @app.before_request
    def ask_for_login():
        if request.blueprint != "komopay" and not current_user.is_authenticated:
            return app.login_manager.unauthorized()

A `before_request` function may read the body with `get_data` or `get_json`; what it takes out of `request.stream`, or
with `cache=False`, is gone, and the callback refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from komopay import Client, KomopayError
from komopay._opaque import Opaque
from komopay._receiving import check_client, read_body
from komopay.changes import ChangeWorker

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Callbacks"]


class Callbacks:
    """Receives callbacks at the routes of its `blueprint`.

    Errors: `ConfigurationError`, naming `callback_keys` or `change_store`, if the client has none; `TypeError`, naming
    `on_change`, if that is a generator function.
    """

    def __init__(
        self,
        client: Client,
        on_change: Callable[[PayoutChange], Awaitable[object] | object],
        *,
        name: str = "komopay",
    ) -> None:
        check_client(client, Client)
        self.client: Client = client
        self.worker: ChangeWorker = ChangeWorker(client, on_change)
        self.blueprint: Blueprint = Blueprint(name, __name__)
        """To be registered with a `url_prefix`, which is the path of the base URL."""
        for place, route in (("path", "/<path:signature>"), ("query", "/"), ("bare", "")):
            self.blueprint.add_url_rule(
                route, place, self._receive, methods=["POST"], provide_automatic_options=False, strict_slashes=False
            )

    def start(self) -> None:
        """Handles what an earlier process left behind. Without it, that waits for the first callback.

        Call it where the application is made that serves, in each process that does.
        """
        self.worker.start()

    def _receive(self, **parts: str) -> Response:
        # The signature, which no report of what raises below shall show.
        del parts
        handle = Opaque(self.client.handle_callback, url=request.full_path)
        # What the application has read already, the framework keeps.
        body = read_body(request.stream.read) or request.get_data()
        try:
            _ = handle(body)
        except KomopayError as error:
            return Response(status=error.callback_status)
        self.worker.wake()
        return Response(status=200)
