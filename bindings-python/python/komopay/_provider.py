"""Where a token provider runs: in a Python thread, for one token."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from komopay._native import _TokenReply


def start(provider: Callable[[], str], reply: _TokenReply) -> None:
    """Starts the thread, from one of this package's own."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):  # pyright: ignore[reportAny]
        # gevent's threads are greenlets of the thread that starts them, and this one goes back to native code.
        start_new_thread = monkey.get_original("_thread", "start_new_thread")  # pyright: ignore[reportAny]
        start_new_thread(_provide_apart_from_hubs, (provider, reply))
    else:
        threading.Thread(target=provide, args=(provider, reply), name="komopay-token", daemon=True).start()


def provide(provider: Callable[[], str], reply: _TokenReply) -> None:
    """Asks the provider. Of what it raises only the type is told, since the text may hold anything."""
    try:
        token = provider()
    except BaseException as error:
        reply.fail(type(error).__name__)
    else:
        reply.give(token)


def _provide_apart_from_hubs(provider: Callable[[], str], reply: _TokenReply) -> None:
    """The same under gevent. What waits in this thread makes a hub for it, which does not end with the thread."""
    provide(provider, reply)
    sys.modules["gevent"].get_hub().destroy(destroy_loop=True)  # pyright: ignore[reportAny]
