"""The example applications and others, as processes that the sandbox can call."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from gateway import CALLBACK_KEY

if TYPE_CHECKING:
    from typing_extensions import Self

KEY = CALLBACK_KEY
EXAMPLES = Path(__file__).parent.parent / "examples"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class App:
    """A program that serves on a port of its own until the block ends, and what it writes."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str], port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, *(part.replace("PORT", str(self.port)) for part in command)]
        self._folder = folder
        self._environment = {
            **os.environ,
            "KOMOPAY_CALLBACK_KEYS": KEY,
            "SHOP_URL": self.url,
            "SHOP_SECRET_KEY": "a key of the tests",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.lines: list[str] = []
        self._written = threading.Condition()

    def start(self) -> None:
        """Until it answers."""
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            # Not one pipe for both: a line of the one would end up inside a line of the other.
            stderr=subprocess.PIPE,
            text=True,
            # A Ctrl-C of the tests' own is not for it, and one that it is sent reaches its workers.
            start_new_session=True,
        )
        self._has_ended = False
        outputs = (self._process.stdout, self._process.stderr)
        self._readers = [threading.Thread(target=self._read, args=(output,), daemon=True) for output in outputs]
        for reader in self._readers:
            reader.start()
        self._wait_until_there()

    def _wait_until_there(self) -> None:
        until = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, self.lines
                time.sleep(0.02)

    def _read(self, output: IO[str] | None) -> None:
        assert output is not None
        with output:
            for line in output:
                with self._written:
                    self.lines.append(line.rstrip())
                    self._written.notify_all()

    def wait_for(self, line: str) -> None:
        """Until it has written this line."""
        with self._written:
            assert self._written.wait_for(lambda: line in self.lines, 120), (line, self.lines)

    def wait_for_one(self, pattern: str, times: int = 1) -> list[re.Match[str]]:
        """Until so many of its lines match this."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self._written:
            assert self._written.wait_for(lambda: len(found()) >= times, 120), (pattern, self.lines)
            return found()

    def tell(self, how: signal.Signals) -> None:
        """To its first process alone."""
        self._process.send_signal(how)

    def wait_until_dead(self) -> None:
        self._process.wait(120)
        self._end()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it, and gives its exit code.

        A SIGTERM is for its first process alone, as in a container: that one ends its workers, and takes it for a
        fault when one of them ends by itself.
        """
        if self._process.poll() is None:
            if how == signal.SIGTERM:
                self.tell(how)
            else:
                os.killpg(self._process.pid, how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise AssertionError(f"it does not end: {self.lines}") from None
        return self._end()

    def _end(self) -> int:
        for reader in self._readers:
            reader.join(60)
        self._has_ended = True
        return self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._has_ended:
            self.stop()

    def request(self, method: str, path: str, body: bytes | None = None) -> int:
        """The status of its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


def changes(app: App) -> list[str]:
    return [line for line in app.lines if line.startswith("change ")]
