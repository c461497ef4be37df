"""What `plan` takes as rows, and a report as file, for type checkers."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Protocol, TypeAlias

from komopay._native import PayoutRequest, RowSource

__all__ = ["AsyncRows", "Row", "Rows", "SupportsExecute", "SupportsRead", "SupportsWrite"]

Row: TypeAlias = tuple[str, PayoutRequest] | tuple[str, str | None, PayoutRequest] | Mapping[str, object]
Rows: TypeAlias = RowSource | Iterable[Row]
AsyncRows: TypeAlias = AsyncIterable[Row]


class SupportsCursor(Protocol):
    """A connection of DB-API."""

    @property
    def cursor(self) -> Callable[..., object]: ...


class SupportsStatements(Protocol):
    """A session or connection of SQLAlchemy, or a connection of asyncpg."""

    @property
    def execute(self) -> Callable[..., object]: ...


SupportsExecute: TypeAlias = SupportsCursor | SupportsStatements


class SupportsRead(Protocol):
    """A file that is open for reading: of bytes, or of text."""

    def read(self, size: int, /) -> str | bytes: ...


class WritesBytes(Protocol):
    """A file that is open for writing bytes."""

    def write(self, data: bytes, /) -> object: ...


class WritesText(Protocol):
    """A file that is open for writing text."""

    def write(self, data: str, /) -> object: ...


SupportsWrite: TypeAlias = WritesBytes | WritesText
