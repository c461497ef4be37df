"""Where a token provider runs: in a Python thread, for one token."""

from __future__ import annotations

from collections.abc import Callable

from komopay._native import _TokenReply


def provide(provider: Callable[[], str], reply: _TokenReply) -> None:
    """Asks the provider. Of what it raises only the type is told, since the text may hold anything."""
    try:
        token = provider()
    except BaseException as error:
        reply.fail(type(error).__name__)
    else:
        reply.give(token)
