"""The two gateways the tests talk to: the sandbox program, and a recorder that sees every byte.

Both write down what they are sent where `KOMOPAY_SANDBOX_RECORD` says, and so does the sandbox inside the process: the
task runner holds it against the contract when the tests have ended. A test that sends something wrong on purpose takes
the variable away first.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import pytest

# The task runner looks for these in everything that the tests print.
MERCHANT_CODE = "CANARY_MERCHANT"
SECRET = "canary-secret-b5c1f0"
ACCOUNT_NUMBER = "550066007700"
CALLBACK_KEY = "canary-key-0d81f2c4-7a3e-4b9c-9d55"

RECORD = "KOMOPAY_SANDBOX_RECORD"


def write_down(lines: bytes) -> None:
    """Appends to the record, if there is one."""
    if path := os.environ.get(RECORD):
        # For its owner alone, as the sandbox wants it, and in one piece: others append to the same file.
        record = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(record, lines)
        finally:
            os.close(record)


class Sandbox:
    """A `komopay-sandbox` of its own, on a free port."""

    def __init__(self, processing_ms: int = 50) -> None:
        program = os.environ.get("KOMOPAY_SANDBOX_BIN")
        if not program or not os.path.exists(program):
            pytest.fail(
                "these tests need the sandbox program: build it with `cargo build -p komopay-sandbox` "
                "and set KOMOPAY_SANDBOX_BIN to its path (target/debug/komopay-sandbox)",
                pytrace=False,
            )
        arguments = ["--port", "0", "--control", "--processing-ms", str(processing_ms)]
        arguments += ["--secret", SECRET, "--merchant-code", MERCHANT_CODE]
        self.control_token = secrets.token_hex(16)
        environment = {**os.environ, "KOMOPAY_SANDBOX_TOKEN": self.control_token}
        self.process = subprocess.Popen([program, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert "listens on http://" in first, first
        self.url = first.split()[-1]
        # Its log is read to the end, so that it never stops for a full pipe.
        self._reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def control(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.control_token}"}
            connection.request(method, f"/_sandbox/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, (answer.status, text)
            return json.loads(text) if text else None
        finally:
            connection.close()

    def fault(self, operation: str, effect: str, on: object = "always", **details: object) -> None:
        when = {"operation": operation, "on": on}
        self.control("POST", "faults", {"when": when, "effect": {"type": effect, **details}})

    def release(self) -> None:
        """Clears all faults: what `hold` holds goes on."""
        self.control("DELETE", "faults")

    def executed(self, payout_id: str) -> int:
        """How often the payout was executed, after everything pending has ended."""
        self.control("GET", "idle")
        return self.executed_by_now(payout_id)

    def executed_by_now(self, payout_id: str) -> int:
        ledger = json.dumps(self.control("GET", "ledger"))
        entries = json.loads(ledger)
        return sum(1 for entry in entries if payout_id in entry.values() and "executed" in entry.values())

    @property
    def environment(self) -> dict[str, str]:
        """What `Client.from_env()` reads."""
        return {"KOMOPAY_BASE_URL": self.url, "KOMOPAY_MERCHANT_CODE": MERCHANT_CODE, "KOMOPAY_SECRET": SECRET}

    def wait_until_seen(self, operation: str, times: int = 1) -> None:
        """Until so many calls have arrived. The control API has no event for that, so this asks again and again."""
        until = time.monotonic() + 120
        while self.control("GET", "calls")[operation] < times:
            assert time.monotonic() < until, f"no {operation} within 120 s"
            time.sleep(0.01)


@dataclass
class Seen:
    """One request as it was on the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def line(self) -> bytes:
        """As the sandbox writes a request down."""
        body = self.body.decode(errors="replace")
        call = {"method": self.method, "target": self.path, "headers": self.headers, "body": body, "answer": None}
        return json.dumps(call).encode() + b"\n"


@dataclass
class Recorder:
    """A gateway that answers what it is told, and keeps what it saw. One connection is one request."""

    answers: Mapping[tuple[str, str], tuple[int, bytes]]
    """By method and path."""
    before_answer: Callable[[Seen], object] = lambda _: None
    """Runs when a request has been read, before it is answered; it may wait."""
    when_read: Callable[[Seen], object] | None = None
    """Runs when its answer was read: the client has closed the connection."""
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ending = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A connection of our own ends the waiting for one; closing the socket would not.
        self._ending = True
        socket.create_connection(self._socket.getsockname()).close()
        for thread in list(self._threads):
            thread.join()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._ending:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            first = reader.readline().decode()
            if not first:
                return  # A connection that was not used.
            method, path, _ = first.split(" ", 2)
            headers: dict[str, str] = {}
            while line := reader.readline().decode().strip():
                name, _, value = line.partition(":")
                assert name.lower() not in headers, f"{name} twice"
                headers[name.lower()] = value.strip()
            body = reader.read(int(headers.get("content-length", "0")))
            request = Seen(method, path, headers, body)
            self.seen.append(request)
            write_down(request.line())
            self.before_answer(request)
            status, answer = self.answers[method, path]
            head = f"HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
            try:
                connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + answer)
            except OSError:
                pass  # The client has left, as some tests want it to.
            if self.when_read is not None:
                connection.shutdown(socket.SHUT_WR)
                reader.read()
                self.when_read(request)
