"""A program of this folder, as a process model runs it: with all its children, and everything they say.

No wait here has a time limit of its own: the one of the whole test (see `conftest.py`) ends them all.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import pytest
from gateway import Sandbox

if TYPE_CHECKING:
    from typing_extensions import Self

HERE = Path(__file__).parent


class Program:
    """A Python program in a process group of its own, which is killed when the test is over, passed or not."""

    command: tuple[str, ...] = (sys.executable, "-u")
    """What runs it."""

    def __init__(self, *arguments: object, sandbox: Sandbox, **environment: str) -> None:
        self._process = subprocess.Popen(
            [*self.command, *map(str, arguments)],
            cwd=HERE,
            env={**os.environ, **sandbox.environment, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._lines: list[str] = []
        self._has_more = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # All of it has ended.
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        # For the report of a test that failed, and for the search for secrets.
        print(self.said)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._has_more:
                self._lines.append(line.rstrip("\n"))
                self._has_more.notify_all()
        with self._has_more:
            self._is_over = True
            self._has_more.notify_all()

    @property
    def said(self) -> str:
        """All lines up to now."""
        return "\n".join(self._lines)

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """Waits until so many lines match. Gives their first groups, or the lines."""
        with self._has_more:
            while True:
                found = [match for line in self._lines if (match := re.search(pattern, line))]
                if len(found) >= times:
                    return [match[1] if match.re.groups else match.string for match in found]
                if self._is_over:
                    pytest.fail(f"it ended without saying {pattern!r}")
                self._has_more.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the program's first process."""
        self._process.send_signal(number)

    def tell(self, line: str = "") -> None:
        """Writes a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end(self) -> int:
        """Waits for its end, and gives its exit code."""
        code = self._process.wait()
        self._reader.join()
        return code


def named(payout_id: str) -> str:
    """How a line of the log looks that names a payout of unknown outcome, and the way on."""
    return rf"WARNING komopay (?=.*\b{payout_id}\b).*\bresume\b"


class Speaker(Protocol):
    """Whoever has a log."""

    @property
    def said(self) -> str: ...


def account_for(payout_ids: list[str], program: Speaker, sandbox: Sandbox) -> None:
    """Each id was executed once, or not at all and is named in the log."""
    for payout_id in payout_ids:
        executed = sandbox.executed(payout_id)
        is_named = re.search(named(payout_id), program.said)
        assert executed == 1 or (executed == 0 and is_named), f"{payout_id} is lost, or paid {executed} times"
