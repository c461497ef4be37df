"""A payroll whose journal is in PostgreSQL, for whoever works on it: workers of engines, as processes of their own."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from conftest import new_client
from gateway import SECRET, Sandbox
from postgres import Server
from programs import EXAMPLES

from komopay.batches import Batches, BatchStatus, generate_journal_key

CONCURRENCY = 4
NAME, ACCOUNT = "Canary Rahmawati", "7700550066"


def example(name: str, folder: Path) -> Path:
    """A program of the examples, in this folder."""
    return Path(shutil.copy(EXAMPLES / name, folder))


class Payroll:
    """A batch, its journal, and the gateway that it is paid through."""

    def __init__(self, sandbox: Sandbox, journal: str, folder: Path) -> None:
        self.id = "payroll-" + os.urandom(4).hex()
        self.sandbox = sandbox
        self.journal = journal
        self.key = generate_journal_key()
        self.count = 0
        self._ahead, self._clock = 0, folder / "clock"
        self._clock.write_text("0")

    @property
    def environment(self) -> dict[str, str]:
        """What a worker of it needs."""
        return {
            **self.sandbox.environment,
            "KOMOPAY_JOURNAL": self.journal,
            "KOMOPAY_JOURNAL_KEY": self.key,
            # That of the database, for all that use it.
            "KOMOPAY_JOURNAL_CLOCK": f"@{self._clock}",
        }

    @contextmanager
    def batches(self) -> Iterator[Batches]:
        with new_client(self.sandbox) as client:
            with Batches(client, journal=self.journal, journal_key=self.key) as batches:
                yield batches

    def rows(self, count: int) -> list[dict[str, object]]:
        return [
            {
                "id": f"E-{row}",
                "payout_id": f"P-{row}",
                "amount": "10000",
                "currency": "IDR",
                "operator_code": "BNK_000",
                "account_name": NAME,
                "account_number": f"{ACCOUNT}{row:04}",
            }
            for row in range(count)
        ]

    def start(self, count: int, **settings: Any) -> None:
        """Plans it, approves it, and starts it."""
        self.count = count
        with self.batches() as batches:
            planned = batches.plan(self.id, self.rows(count), maker="maker", concurrency=CONCURRENCY, **settings)
            assert planned.digest is not None, planned.plan.row_problems[:2]
            batches.approve(self.id, by="approver", digest=planned.digest, why="all is as agreed")
            batches.start(self.id, by="operator")

    def hold_after(self, count: int) -> None:
        """Holds all the creates that are under way at a time, after so many more."""
        for each in range(CONCURRENCY):
            self.sandbox.fault("create_payout", "hold", {"nth": count + 1 + each})

    def wait_until_held(self, count: int) -> None:
        """After so many creates in all."""
        self.sandbox.wait_until_seen("create_payout", count + CONCURRENCY)

    def wait_until(self, is_so: Callable[[BatchStatus], bool]) -> BatchStatus:
        """There is no event for it, so this asks again and again."""
        until = time.monotonic() + 180
        with self.batches() as batches:
            while not is_so(status := batches.status(self.id)):
                assert time.monotonic() < until, status
                time.sleep(0.05)
        return status

    def wait_until_closed(self) -> None:
        """Each payout was made once, and none besides."""
        status = self.wait_until(lambda status: status.state == "closed")
        assert status.count("succeeded") == self.count, status
        self.account_for()

    def account_for(self) -> None:
        """The ledger is the input."""
        assert self.executed() == {f"P-{row}": 1 for row in range(self.count)}

    def executed(self) -> Counter[str]:
        """How often each id was executed, once everything pending has ended."""
        self.sandbox.control("GET", "idle")
        ledger = self.sandbox.control("GET", "ledger")
        return Counter(entry["payout_id"] for entry in ledger if entry["kind"] == "executed")

    def let_tokens_end(self) -> None:
        """Every token that may be about has ended, and what was sent under it has executed or never will."""
        self._ahead += 600
        self.sandbox.control("POST", "clock", {"advance_ms": 600_000})
        written = self._clock.with_suffix(".new")
        written.write_text(str(self._ahead * 1_000_000))
        written.replace(self._clock)

    def canaries(self) -> list[bytes]:
        """What no engine may be told."""
        return [text.encode() for text in (NAME, ACCOUNT, SECRET, self.key, "eyJ0eXAiOiJKV1Qi", "eyJhbGciOiJIUzI1NiI")]


@contextmanager
def payroll(server: Server, sandbox: Sandbox, folder: Path) -> Iterator[Payroll]:
    """One with a database of its own."""
    name = "payroll_" + os.urandom(6).hex()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    made = Payroll(sandbox, server.url.replace("/postgres", f"/{name}"), folder)
    before = {name: os.environ.get(name) for name in made.environment}
    os.environ.update(made.environment)
    try:
        yield made
    finally:
        for variable, value in before.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value
