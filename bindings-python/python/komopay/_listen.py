"""``python -m komopay listen``: receives callbacks during development. Not for production: the adapters are."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, cast

from komopay import Client, ConfigurationError, KomopayError, MemoryChangeStore
from komopay._receiving import READ_AT_MOST

DEFAULT_PORT = 8090

_PRINTING = threading.Lock()


def environment() -> Client:
    """A client from the environment, with the keys that callbacks need."""
    if not os.environ.get("KOMOPAY_CALLBACK_KEYS"):
        text = "is not set in the environment; make a key, for example with `openssl rand -hex 32`"
        raise ConfigurationError(f"KOMOPAY_CALLBACK_KEYS: {text}", field="KOMOPAY_CALLBACK_KEYS")
    return Client.from_env(change_store=MemoryChangeStore())


def main(arguments: list[str]) -> int:
    """Receives callbacks until Ctrl-C, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m komopay listen",
        description="Receives callbacks on a port of this machine, checks their signature, reads the payout from the "
        "platform, and shows it with its changes. The settings come from KOMOPAY_BASE_URL, KOMOPAY_MERCHANT_CODE, "
        "KOMOPAY_SECRET and KOMOPAY_CALLBACK_KEYS.",
    )
    _ = parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="the port to listen on; 0 takes a free one (%(default)s)"
    )
    port: int = parser.parse_args(arguments).port  # pyright: ignore[reportAny]
    # Also where a shell started it in the background, and it would not hear Ctrl-C.
    _ = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with environment() as client:
            return _listen(client, port)
    except ConfigurationError as error:
        print(f"listen: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _listen(client: Client, port: int) -> int:
    try:
        server = _Server(client, port)
    except (OSError, OverflowError) as error:
        print(f"listen: cannot listen on port {port}: {error}", file=sys.stderr)
        return 1
    with server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        print(f"komopay listens for callbacks on {address}", flush=True)
        server.serve_forever()
    return 0


class _Server(ThreadingHTTPServer):
    daemon_threads: bool = True

    def __init__(self, client: Client, port: int) -> None:
        self.client: Client = client
        super().__init__(("127.0.0.1", port), _Receiver)


class _Receiver(BaseHTTPRequestHandler):
    # For a request that comes slowly or not at all, in seconds.
    timeout: ClassVar[float | None] = 10

    def do_POST(self) -> None:
        client = cast("_Server", self.server).client
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._answer(411, "refused: a callback without a Content-Length")
            return
        body = self.rfile.read(min(int(length[:10]), READ_AT_MOST))
        try:
            payout = client.handle_callback(body, self.path)
        except KomopayError as error:
            self._answer(error.callback_status, str(error))
            return
        self._answer(200, f"{payout.payout_id} {payout.status} {payout.money}", _changes(client))

    def _answer(self, status: int, text: str, changes: tuple[str, ...] = ()) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        # What was not read of the body is not taken for another request.
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with _PRINTING:
            print(f"{datetime.now():%H:%M:%S} {status} {text}", *changes, sep="\n         ", flush=True)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is said of a callback, `_answer` says."""


def _changes(client: Client) -> tuple[str, ...]:
    shown: list[str] = []
    # Again after each, since of one payout the next is given when the one before it was acknowledged.
    while changes := client.take_changes():
        for change in changes:
            before = change.previous_status or "first seen as"
            note = ", a correction of a final status" if change.is_correction else ""
            shown.append(f"change {change.sequence} of {change.payout_id}: {before} {change.payout.status}{note}")
            client.acknowledge_change(change.payout_id, change.sequence)
    return tuple(shown)
