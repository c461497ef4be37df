"""Where callbacks are received: `path("komopay/", include("komopay.django.urls"))`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from komopay._opaque import Opaque
from komopay.django import Callbacks, _open_to_the_platform
from komopay.django._settings import client, handler, handles_in_web, once

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["urlpatterns"]


def _handle(change: PayoutChange) -> object:
    # Imported by who handles changes, and not by who only receives.
    return handler()(change)


def _callbacks() -> Callbacks:
    # Not when this module is imported: commands such as migrate need no credentials.
    return once("callbacks", lambda: Callbacks(client(), _handle, handle=handles_in_web()))


def _receive(request: HttpRequest) -> HttpResponse:
    receive = Opaque(_callbacks()._receive, request)
    del request
    return receive()


urlpatterns = [re_path("^", _open_to_the_platform(_receive), name="komopay")]
