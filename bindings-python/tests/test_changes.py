"""The workers that give each change of a payout to a function: `komopay.changes`."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import documented_request, new_async_client, new_client
from gateway import Sandbox

from komopay import Client, MemoryChangeStore, PayoutChange, SqliteChangeStore
from komopay.changes import AsyncChangeWorker, ChangeWorker

PATIENCE = 30


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with new_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05) as client:
        yield client


def see(client: Client, *payout_ids: str) -> None:
    """The changes of these are in the store: each is SUCCESS when it is read first, or PROCESSING before."""
    for payout_id in payout_ids:
        client.create_payout(payout_id, documented_request())
    for payout_id in payout_ids:
        client.wait_for_payout(payout_id, timeout=20)


class Seen:
    """A function that notes what it was given."""

    def __init__(self) -> None:
        self.changes: list[PayoutChange] = []
        self.final: dict[str, threading.Event] = {}

    def __call__(self, change: PayoutChange) -> None:
        self.changes.append(change)
        if change.payout.is_final:
            self.of(change.payout_id).set()

    def of(self, payout_id: str) -> threading.Event:
        return self.final.setdefault(payout_id, threading.Event())

    def wait(self, *payout_ids: str) -> None:
        for payout_id in payout_ids:
            assert self.of(payout_id).wait(PATIENCE), payout_id


def names(changes: list[PayoutChange]) -> list[tuple[str, int]]:
    return [(change.payout_id, change.sequence) for change in changes]


def test_what_was_left_behind_is_handled_at_the_start_and_what_comes_when_it_is_woken(client: Client) -> None:
    see(client, "TST-1")
    seen = Seen()
    with ChangeWorker(client, seen, interval=3600) as worker:
        seen.wait("TST-1")
        see(client, "TST-2")
        worker.wake()
        seen.wait("TST-2")
    assert len(set(names(seen.changes))) == len(seen.changes)
    assert client.take_changes() == []


def test_what_another_process_left_is_found_without_being_woken(client: Client) -> None:
    seen = Seen()
    with ChangeWorker(client, seen, interval=0.05):
        see(client, "TST-1")
        seen.wait("TST-1")


def test_a_change_whose_function_raised_comes_again_and_holds_up_no_other_payout(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    see(client, "TST-1", "TST-2")
    seen, failed = Seen(), []

    def on_change(change: PayoutChange) -> None:
        if change.payout_id == "TST-1" and not seen.of("TST-2").is_set():
            failed.append(change)
            raise RuntimeError("the database is down")
        seen(change)

    with caplog.at_level(logging.ERROR, "komopay.changes"), ChangeWorker(client, on_change, interval=0.05):
        seen.wait("TST-2", "TST-1")
    assert failed and seen.changes.count(failed[0]) == 1
    record = next(record for record in caplog.records if record.name == "komopay.changes")
    assert record.getMessage().startswith("on_change raised for change 1 of payout TST-1") and record.exc_info


def test_a_store_that_fails_is_logged_and_asked_again(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "changes.sqlite"
    with new_client(sandbox, change_store=SqliteChangeStore(file)) as client:
        see(client, "TST-1")
        rename(file, "changes", "away")
        seen = Seen()
        logged = threading.Event()
        handler = Ringing(logged)
        logging.getLogger("komopay.changes").addHandler(handler)
        try:
            with ChangeWorker(client, seen, interval=0.05):
                assert logged.wait(PATIENCE)
                rename(file, "away", "changes")
                seen.wait("TST-1")
        finally:
            logging.getLogger("komopay.changes").removeHandler(handler)
    assert any("changes cannot be taken" in record.getMessage() for record in caplog.records)


class Ringing(logging.Handler):
    def __init__(self, event: threading.Event) -> None:
        super().__init__(logging.ERROR)
        self.event = event

    def emit(self, record: logging.LogRecord) -> None:
        self.event.set()


def rename(file: Path, old: str, new: str) -> None:
    # In another process: a second SQLite in this one would drop the locks of the first.
    script = f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute('ALTER TABLE {old} RENAME TO {new}'); c.commit()"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_closing_waits_for_the_function_and_takes_nothing_more(client: Client) -> None:
    see(client, "TST-1", "TST-2")
    began, end, ended = threading.Event(), threading.Event(), []

    def on_change(change: PayoutChange) -> None:
        began.set()
        assert end.wait(PATIENCE)
        ended.append(change)

    worker = ChangeWorker(client, on_change)
    worker.start()
    worker.start()
    assert began.wait(PATIENCE)
    closing = threading.Thread(target=worker.close)
    closing.start()
    end.set()
    closing.join(PATIENCE)
    assert len(ended) == 1
    worker.wake()
    assert len(ended) == 1 and not any(thread.name == "komopay-changes" for thread in threading.enumerate())


def test_a_closed_client_ends_the_worker(sandbox: Sandbox) -> None:
    client = new_client(sandbox, change_store=MemoryChangeStore())
    worker = ChangeWorker(client, print, interval=0.01)
    worker.start()
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "komopay-changes")
    client.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_starts_its_own(sandbox: Sandbox, tmp_path: Path) -> None:
    store = SqliteChangeStore(tmp_path / "changes.sqlite")
    with new_client(sandbox, change_store=store) as client:
        here = Seen()
        with ChangeWorker(client, here, interval=3600) as worker:
            see(client, "TST-1")
            process = os.fork()
            if process == 0:
                code = 1
                try:
                    worker.wake()
                    code = 0 if here.of("TST-1").wait(PATIENCE) else 2
                    worker.close()
                finally:
                    os._exit(code)
            assert os.waitpid(process, 0)[1] == 0
        assert here.changes == []


@pytest.mark.parametrize("wrong", [None, "function"])
def test_what_is_no_function_is_refused(client: Client, wrong: object) -> None:
    with pytest.raises(TypeError, match="on_change must be a function"):
        ChangeWorker(client, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
def test_an_interval_that_is_none_is_refused(client: Client, interval: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        ChangeWorker(client, print, interval=interval)


@pytest.mark.parametrize("kind", ["async", "ordinary"])
def test_the_same_for_asyncio(sandbox: Sandbox, kind: str) -> None:
    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05) as client:
            await client.create_payout("TST-1", documented_request())
            await client.wait_for_payout("TST-1", timeout=20)
            done, given, tries = asyncio.Event(), [], iter([True])
            loop = asyncio.get_running_loop()

            def ordinary(change: PayoutChange) -> None:
                if next(tries, False):
                    raise RuntimeError("once")
                given.append(change)
                if change.payout.is_final:
                    loop.call_soon_threadsafe(done.set)

            async def later(change: PayoutChange) -> None:
                await asyncio.sleep(0)
                ordinary(change)

            async with AsyncChangeWorker(client, later if kind == "async" else ordinary, interval=0.05) as worker:
                worker.wake()
                await asyncio.wait_for(done.wait(), PATIENCE)
            assert [change.sequence for change in given] == list(range(1, len(given) + 1))
            assert await client.take_changes() == []
            worker.wake()

    asyncio.run(run())
