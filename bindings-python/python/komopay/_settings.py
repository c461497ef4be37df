"""The settings of a client by their names and types, for who hands them on: `Client` has their documentation.

Type checkers read this, and `komopay.django` the names.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Literal, TypeAlias, TypedDict

from komopay._native import MemoryChangeStore, Money, PostgresChangeStore, SqliteChangeStore

__all__ = ["CommonSettings", "Settings", "Token"]

Seconds: TypeAlias = float | timedelta
Token: TypeAlias = str | Callable[[], str]
Ceilings: TypeAlias = Iterable[Money] | Mapping[str, str | int | Decimal]
ChangeStore: TypeAlias = MemoryChangeStore | SqliteChangeStore | PostgresChangeStore


class CommonSettings(TypedDict, total=False):
    """What both clients take alike."""

    merchant_code: str | None
    secret: str | None
    total_timeout: Seconds | None
    attempt_timeout: Seconds | None
    connect_timeout: Seconds | None
    settle_window: Seconds | None
    backoff_base: Seconds | None
    backoff_cap: Seconds | None
    read_attempts: int | None
    requests_per_second: float | None
    max_concurrency: int | None
    pool_size: int | None
    connection_per_create: bool | None
    max_answer_bytes: int | None
    proxy: str | None
    proxy_from_environment: bool | None
    ca_file: str | os.PathLike[str] | None
    customer_id: str | None
    max_amount: Ceilings | None
    is_test: bool | None
    loopback_is_live: bool | None
    validate: bool | None
    token_scope: Literal["payout", "everything"] | None
    token_validity: Seconds | None
    callback_keys: Iterable[str] | None
    change_store: ChangeStore | None
    change_lease: Seconds | None
    keep_changes: Seconds | None
    callback_timeout: Seconds | None


class Settings(CommonSettings, total=False):
    """What `Client.from_env` takes."""

    base_url: str | None
    token: Token | None
