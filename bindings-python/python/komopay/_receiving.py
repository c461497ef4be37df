"""What the adapters have in common: their client, the body of a callback, and the answer to one that failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from komopay import Callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from komopay import KomopayError

__all__ = ["READ_AT_MOST", "check_client", "read_body", "status_of"]

_LOG = logging.getLogger("komopay.callbacks")

READ_AT_MOST = Callback.LARGEST_BODY + 1
"""How much of a body is read, in bytes: one more than is allowed shows that there are more."""


def check_client(client: object, kind: type) -> None:
    """Each adapter takes one kind of client."""
    if not isinstance(client, kind):
        raise TypeError(f"client must be a komopay.{kind.__name__}, not {type(client).__name__}")


def read_body(read: Callable[[int], bytes]) -> bytes:
    """The body, or as much of one that is too large as shows that it is. `read` may give less than it is asked for."""
    body = b""
    while len(body) < READ_AT_MOST and (piece := read(READ_AT_MOST - len(body))):
        body += piece
    return body


def status_of(error: KomopayError) -> int:
    """The HTTP status to answer with. The core has decided it."""
    _LOG.warning("a callback is answered with %d: %s", error.callback_status, error)
    return error.callback_status
