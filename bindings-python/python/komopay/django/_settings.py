"""`settings.KOMOPAY`: what it may hold, and the clients that are made of it, one of each kind for a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from komopay import (
    AsyncClient,
    Client,
    ConfigurationError,
    MemoryChangeStore,
    PostgresChangeStore,
    SqliteChangeStore,
)
from komopay._opaque import Opaque
from komopay._settings import Settings
from komopay.changes import _is_async

if TYPE_CHECKING:
    from komopay import PayoutChange

__all__ = ["Problem", "async_client", "client", "handler", "handles_in_web", "missing", "once", "problems"]

_T = TypeVar("_T")

_OWN = ("HANDLER", "HANDLE_IN_WEB")
"""The names that are the app's; all others are settings of `Client`."""

_NAMES = sorted({*_OWN, *Settings.__optional_keys__})


class Problem(ImproperlyConfigured):
    """A setting that cannot be used: its name, and what to do."""

    def __init__(self, name: str | None, problem: str) -> None:
        where = "settings.KOMOPAY" if name is None else f'settings.KOMOPAY["{name}"]'
        super().__init__(f"{where} {problem}")
        self.name: str | None = name


def _given() -> dict[str, object]:
    """What is set, and not None."""
    given = cast("object", getattr(settings, "KOMOPAY", {}))
    if not isinstance(given, Mapping):
        raise Problem(None, f"must be a dict of settings, not {type(given).__name__}")
    return {str(name): value for name, value in cast("Mapping[object, object]", given).items() if value is not None}


def _of_client() -> dict[str, object]:
    """The settings of a client, with a store for a path or a URL."""
    given = {name: value for name, value in _given().items() if name not in _OWN}
    store = given.get("change_store")
    if isinstance(store, (str, os.PathLike)):
        is_url = isinstance(store, str) and store.startswith(("postgresql://", "postgres://"))
        make = Opaque(PostgresChangeStore if is_url else SqliteChangeStore, cast("object", store))
        # What raises shows no password.
        del given["change_store"], store
        given["change_store"] = once("store", make)
    return given


def _checked(make: Callable[[], _T]) -> _T:
    """A client, or which setting keeps it from being made."""
    try:
        return make()
    except ConfigurationError as error:
        problem = str(error).removeprefix(f"{error.field}").removeprefix(":").strip()
        name = error.field
    if name is not None and name.startswith("KOMOPAY_"):
        setting = name.removeprefix("KOMOPAY_").lower()
        problem = f"is missing: set it, or the environment variable {name}"
        raise Problem(setting, problem)
    raise Problem(name, problem)


_LOCK = threading.RLock()
_KEPT: dict[str, object] = {}


def once(name: str, make: Callable[[], _T]) -> _T:
    """What this process has of this name; it is made by whoever asks for it first."""
    with _LOCK:
        if name not in _KEPT:
            _KEPT[name] = make()
        return cast("_T", _KEPT[name])


def _forget(*, setting: str, **_: object) -> None:
    """With other settings, as tests have them, there are other clients."""
    if setting == "KOMOPAY":
        with _LOCK:
            kept = list(_KEPT.values())
            _KEPT.clear()
        for client in kept:
            if isinstance(client, AsyncClient):
                client._client.close()
            elif isinstance(client, Client):
                client.close()


setting_changed.connect(_forget)  # pyright: ignore[reportUnknownMemberType]


def client() -> Client:
    """The client of this process, made of `settings.KOMOPAY` and the environment when it is asked for first.

    Errors: `ImproperlyConfigured`, naming the setting.
    """
    return once("client", lambda: _checked(lambda: Opaque(Client.from_env, **_of_client())()))


def async_client() -> AsyncClient:
    """The same for async views.

    Errors: as for `client`.
    """
    # They take the same settings, as far as Django's may go.
    return once("async_client", lambda: _checked(lambda: Opaque(AsyncClient.from_env, **_of_client())()))


def handler() -> Callable[[PayoutChange], Awaitable[object] | object]:
    """The function that is given each change.

    Errors: `ImproperlyConfigured`, naming `HANDLER`.
    """
    path = _given().get("HANDLER")
    if path is None:
        raise Problem("HANDLER", 'is missing: give the dotted path of a function, such as "shop.payouts.on_change"')
    if not isinstance(path, str):
        raise Problem("HANDLER", f"must be the dotted path of a function, not {type(path).__name__}")
    try:
        found = cast("object", import_string(path))
        _ = _is_async(found)
    except ImportError as error:
        raise Problem("HANDLER", f"cannot be imported: {error}") from error
    except TypeError as error:
        raise Problem("HANDLER", f'is "{path}", and {error}') from None
    return cast("Callable[[PayoutChange], Awaitable[object] | object]", found)


def handles_in_web() -> bool:
    """Whether the processes that serve handle changes, too."""
    given = _given().get("HANDLE_IN_WEB", False)
    if not isinstance(given, bool):
        raise Problem("HANDLE_IN_WEB", f"must be True or False, not {type(given).__name__}")
    return given


def problems() -> list[Problem]:
    """What is wrong with the settings that are there: those of the environment are not, where images are built."""
    found: list[Problem] = []
    try:
        given = _given()
    except Problem as problem:
        return [problem]
    names = {name.lower(): name for name in _NAMES}
    for name in sorted(given.keys() - set(_NAMES)):
        near = get_close_matches(name.lower(), names, n=1)
        hint = f'did you mean "{names[near[0]]}"?' if near else f"there is {', '.join(_NAMES)}"
        found.append(Problem(name, f"is no setting; {hint}"))
    checks: list[Callable[[], object]] = [_check_values, handles_in_web]
    if "HANDLER" in given:
        checks.append(handler)
    for check in checks:
        try:
            _ = check()
        except Problem as problem:
            found.append(problem)
    return found


def missing() -> list[Problem]:
    """What keeps this process from serving and handling."""
    found: list[Problem] = []
    for check in (lambda: client()._check_callbacks(), handler):
        try:
            _ = _checked(check)
        except Problem as problem:
            found.append(problem)
    return found


def _check_values() -> None:
    """Makes a client that pays nothing, with something in place of what is not set here."""
    given = {name: value for name, value in _given().items() if name in Settings.__optional_keys__}
    is_loopback = "loopback_is_live" in given
    _ = given.setdefault("base_url", "http://127.0.0.1" if is_loopback else "https://komopay.invalid")
    if "token" not in given:
        _ = given.setdefault("merchant_code", "unknown")
        _ = given.setdefault("secret", "unknown")
    _ = given.setdefault("callback_keys", ["0123456789abcdef" * 2])
    store = given.get("change_store")
    if isinstance(store, (str, os.PathLike, MemoryChangeStore, SqliteChangeStore, PostgresChangeStore)):
        # Whether it can be opened is seen where it is used.
        given["change_store"] = MemoryChangeStore()
    make = Opaque(Client, **given)
    del given, store
    _checked(make).close()
