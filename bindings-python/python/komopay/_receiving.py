"""What the adapters have in common: their client, and the body of a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from komopay import AsyncClient, Callback, Client

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["READ_AT_MOST", "check_client", "read_body"]

READ_AT_MOST = Callback.LARGEST_BODY + 1
"""How much of a body is read, in bytes: one more than is allowed shows that there are more."""


def check_client(client: object, kind: type[Client | AsyncClient]) -> None:
    """Each adapter takes one kind of client, which has keys and a store."""
    if not isinstance(client, kind):
        raise TypeError(f"client must be a komopay.{kind.__name__}, not {type(client).__name__}")
    (client if isinstance(client, Client) else client._client)._check_callbacks()


def read_body(read: Callable[[int], bytes]) -> bytes:
    """The body, or as much of one that is too large as shows that it is. `read` may give less than it is asked for."""
    body = b""
    while len(body) < READ_AT_MOST and (piece := read(READ_AT_MOST - len(body))):
        body += piece
    return body
