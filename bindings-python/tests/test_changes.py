"""The workers that give each change of a payout to a function: `komopay.changes`."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import os
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import documented_request, new_async_client, new_client, new_store
from gateway import Sandbox

from komopay import AsyncClient, Client, ConfigurationError, MemoryChangeStore, PayoutChange, SqliteChangeStore
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


@pytest.mark.parametrize("kind", ["file", "server"])
@pytest.mark.parametrize(("settings", "kept"), [({}, [1, 2]), ({"keep_changes": 0}, [2])])
def test_what_is_over_is_pruned_after_its_time_and_what_comes_late_is_still_known(
    sandbox: Sandbox, request: pytest.FixtureRequest, settings: dict[str, Any], kept: list[int], kind: str
) -> None:
    with new_client(sandbox, change_store=new_store(kind, request), **settings) as client:
        client.create_payout("TST-1", documented_request(number="9000000099"))
        client.get_payout("TST-1")
        sandbox.control("POST", "payouts/TST-1/status", {"status": "SUCCESS"})
        client.get_payout("TST-1")
        seen = Seen()
        assert ChangeWorker(client, seen).run_once() == (2, 0)
        client.get_payout("TST-1")
        assert ChangeWorker(client, seen).run_once() == (0, 0)
    assert sequences(kind, request) == kept and [change.sequence for change in seen.changes] == [1, 2]


def sequences(kind: str, request: pytest.FixtureRequest) -> list[int]:
    """What a store that `new_store` made has kept."""
    if kind == "server":
        with psycopg.connect(request.getfixturevalue("database")) as store:
            rows: list[Any] = store.execute("SELECT sequence FROM komopay.komopay_changes ORDER BY 1").fetchall()
    else:
        file = sqlite3.connect(request.getfixturevalue("tmp_path") / "changes.sqlite")
        rows = file.execute("SELECT sequence FROM changes ORDER BY 1").fetchall()
        file.close()
    return [row[0] for row in rows]


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
    rename = f"ALTER TABLE {old} RENAME TO {new}"
    script = f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute({rename!r}); c.commit()"
    subprocess.run([sys.executable, "-c", script], check=True)


def documented_guard() -> str:
    page = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text()
    (sql,) = re.findall(r"^```sql\n(UPDATE .*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(sql)


@pytest.mark.parametrize("kind", ["file", "server"])
def test_with_one_store_the_documented_guard_keeps_the_final_status_however_late_a_worker_is(
    sandbox: Sandbox, request: pytest.FixtureRequest, kind: str
) -> None:
    shop = sqlite3.connect(":memory:")
    columns = "payout_id TEXT PRIMARY KEY, status TEXT DEFAULT 'NEW', handled INTEGER DEFAULT 0"
    shop.execute(f"CREATE TABLE orders ({columns})")
    # Two processes. Each lease is over at once, so the one that is late is at a change that the other
    # has, too.
    settings: Any = {"callback_keys": ["k" * 32], "change_lease": 0.001}
    late = 0
    with (
        new_client(sandbox, change_store=new_store(kind, request), **settings) as first,
        new_client(sandbox, change_store=new_store(kind, request), **settings) as second,
    ):
        for number in range(20):
            payout_id, order = f"TST-{number}", random.Random(number)
            shop.execute("INSERT INTO orders (payout_id) VALUES (?)", [payout_id])
            # It stays PROCESSING until somebody says otherwise.
            first.create_payout(payout_id, documented_request(number="9000000099"))
            first.get_payout(payout_id)
            statuses = [("SUCCESS", None), ("FAILED", "SYSTEM")]
            taken: dict[Client, PayoutChange] = {}

            def handle(
                worker: Client, shop: sqlite3.Connection = shop, taken: dict[Client, PayoutChange] = taken
            ) -> bool:
                change = taken.pop(worker)
                told = {"status": change.payout.status, "sequence": change.sequence, "payout_id": change.payout_id}
                is_new = shop.execute(documented_guard(), told).rowcount == 1
                worker.acknowledge_change(change.payout_id, change.sequence)
                return is_new

            while True:
                # The second is quicker, and so is done with later changes while the first is at an old one.
                (worker,) = order.choices([first, second], [1, 5])
                if worker in taken:
                    late += not handle(worker)
                elif statuses and order.random() < 0.3:
                    # A callback comes to either of them.
                    status, reason = statuses.pop(0)
                    told = {"status": status, "failure_reason": reason} if reason else {"status": status}
                    sandbox.control("POST", f"payouts/{payout_id}/status", told)
                    url = worker.callback_url("https://shop.example", payout_id)
                    worker.handle_callback(f'{{"idEntity": "{payout_id}"}}'.encode(), url)
                else:
                    time.sleep(0.002)
                    if changes := worker.take_changes(limit=1):
                        taken[worker] = changes[0]
                    elif not statuses and not taken:
                        break
    rows = shop.execute("SELECT status, handled FROM orders").fetchall()
    shop.close()
    assert rows == [("FAILED", 3)] * 20
    assert late, "so somebody was late"


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
    start = worker._start
    while start is not None and not start.is_ending:
        time.sleep(0.001)
    end.set()
    closing.join(PATIENCE)
    assert len(ended) == 1
    # A callback that comes after it does not start it again.
    worker.wake()
    assert len(ended) == 1 and not any(thread.name == "komopay-changes" for thread in threading.enumerate())


def test_a_worker_that_was_closed_may_be_started_again(client: Client) -> None:
    seen = Seen()
    worker = ChangeWorker(client, seen, interval=3600)
    for payout_id in ("TST-1", "TST-2"):
        see(client, payout_id)
        with worker:
            seen.wait(payout_id)
    # Where two applications have it, the last one closes it.
    with worker:
        with worker:
            pass
        see(client, "TST-3")
        worker.wake()
        seen.wait("TST-3")
    assert not any(thread.name == "komopay-changes" for thread in threading.enumerate())


def test_a_closed_client_ends_the_worker(sandbox: Sandbox) -> None:
    client = new_client(sandbox, change_store=MemoryChangeStore())
    worker = ChangeWorker(client, print, interval=0.01)
    worker.start()
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "komopay-changes")
    client.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize("kind", ["file", "server"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_starts_its_own(sandbox: Sandbox, request: pytest.FixtureRequest, kind: str) -> None:
    with new_client(sandbox, change_store=new_store(kind, request)) as client:
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


def generator_function(change: PayoutChange) -> Generator[None, None, None]:
    yield


async def async_generator_function(change: PayoutChange) -> AsyncGenerator[None, None]:
    yield


class Handler:
    def generate(self, change: PayoutChange) -> Generator[None, None, None]:
        yield


GENERATORS: dict[str, Callable[[PayoutChange], object]] = {
    "a generator function": generator_function,
    "an async generator function": async_generator_function,
    "a method": Handler().generate,
    "a partial": functools.partial(generator_function),
}


@pytest.mark.parametrize("kind", GENERATORS)
def test_a_generator_is_refused_everywhere(client: Client, sandbox: Sandbox, kind: str) -> None:
    looped = new_async_client(sandbox, change_store=MemoryChangeStore())
    with pytest.raises(TypeError, match="on_change is a generator function, and nothing of it runs"):
        ChangeWorker(client, GENERATORS[kind])
    with pytest.raises(TypeError, match="on_change is a generator function, and nothing of it runs"):
        AsyncChangeWorker(looped, GENERATORS[kind])
    asyncio.run(looped.close())


def decorated(function: Callable[[PayoutChange], object]) -> Callable[[PayoutChange], object]:
    @functools.wraps(function)
    def inner(change: PayoutChange) -> object:
        return function(change)

    return inner


UNFINISHED: dict[str, Callable[[PayoutChange], object]] = {
    "a generator": lambda change: (number for number in range(3)),
    "a decorated generator": decorated(generator_function),
    "an async generator": lambda change: async_generator_function(change),
}


def done(result: object) -> Future[object]:
    future: Future[object] = Future()
    future.set_result(result)
    return future


@pytest.mark.parametrize("kind", UNFINISHED)
def test_what_was_returned_and_not_run_is_not_acknowledged(
    sandbox: Sandbox, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with new_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05) as client:
        see(client, "TST-1")
        logged = threading.Event()
        handler = Ringing(logged)
        logging.getLogger("komopay.changes").addHandler(handler)
        with ChangeWorker(client, UNFINISHED[kind], interval=3600):
            assert logged.wait(PATIENCE)
        logging.getLogger("komopay.changes").removeHandler(handler)
        seen = Seen()
        with ChangeWorker(client, seen, interval=0.05):
            seen.wait("TST-1")
        # From the first one on.
        assert seen.changes[0].sequence == 1
    told = next(record.getMessage() for record in caplog.records if record.name == "komopay.changes")
    assert told.startswith("on_change returned a ") and "for change 1 of payout TST-1, and nothing of it runs" in told
    assert "give a function that returns when the change is handled" in told


def test_a_future_is_waited_for_and_a_result_is_ignored(client: Client) -> None:
    see(client, "TST-1")
    seen, future = Seen(), done(None)

    def on_change(change: PayoutChange) -> object:
        seen(change)
        # As an executor gives it, and as Celery gives an AsyncResult.
        return future if change.sequence == 1 else object()

    with ChangeWorker(client, on_change, interval=0.05):
        seen.wait("TST-1")
    assert client.take_changes() == []
    see(client, "TST-2")
    future = Future()
    future.set_exception(RuntimeError("the pool is full"))
    failed = threading.Event()
    handler = Ringing(failed)
    logging.getLogger("komopay.changes").addHandler(handler)
    with ChangeWorker(client, on_change, interval=3600):
        assert failed.wait(PATIENCE)
    logging.getLogger("komopay.changes").removeHandler(handler)


LEAVING: dict[str, type[BaseException]] = {
    error.__name__: error
    for error in (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, StopIteration)
}


@pytest.mark.parametrize("name", LEAVING)
def test_a_worker_outlives_whatever_its_function_raises(
    client: Client, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    see(client, "TST-1")
    seen, raised = Seen(), iter([True])

    def on_change(change: PayoutChange) -> None:
        if next(raised, False):
            raise LEAVING[name]
        seen(change)

    with ChangeWorker(client, on_change, interval=0.05):
        seen.wait("TST-1")
    record = next(record for record in caplog.records if record.name == "komopay.changes")
    assert record.getMessage().startswith("on_change raised for change 1 of payout TST-1")
    assert record.exc_info and record.exc_info[0] is LEAVING[name]


def test_what_ends_a_worker_from_outside_its_function_is_loud(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = ChangeWorker(client, print)
    monkeypatch.setattr(worker, "_deliver", lambda _: sys.exit())
    worker.start()
    for thread in threading.enumerate():
        if thread.name == "komopay-changes":
            thread.join(PATIENCE)
    assert [record.levelname for record in caplog.records if record.name == "komopay.changes"] == ["CRITICAL"]
    monkeypatch.undo()
    worker.wake()
    assert any(thread.name == "komopay-changes" for thread in threading.enumerate())
    worker.close()


def test_a_worker_needs_a_store_and_its_kind_of_client(sandbox: Sandbox) -> None:
    looped = new_async_client(sandbox)
    with new_client(sandbox) as client:
        with pytest.raises(ConfigurationError, match="change_store") as caught:
            ChangeWorker(client, print)
        assert caught.value.field == "change_store"
        with pytest.raises(ConfigurationError, match="change_store"):
            AsyncChangeWorker(looped, print)
        with pytest.raises(TypeError, match=r"client must be a komopay\.Client, not AsyncClient"):
            ChangeWorker(looped, print)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"client must be a komopay\.AsyncClient, not Client"):
            AsyncChangeWorker(client, print)  # type: ignore[arg-type]
    asyncio.run(looped.close())


class Kept:
    """What async functions note, and the loop that they ran in."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def later(self, change: PayoutChange) -> None:
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        self.seen(change)

    async def with_number(self, number: int, change: PayoutChange) -> None:
        await self.later(change)

    async def __call__(self, change: PayoutChange) -> None:
        await self.later(change)

    def of(self, kind: str) -> Callable[[PayoutChange], object]:
        functions: dict[str, Callable[[PayoutChange], object]] = {
            "a method": self.later,
            "a callable": self,
            "a partial": functools.partial(self.with_number, 1),
            "a partial of a callable": functools.partial(self),
            "a lambda": lambda change: self.later(change),
            "a decorated one": decorated(self.later),
            "a future of it": lambda change: done(self.later(change)),
            "a coroutine of a coroutine": lambda change: self.nested(change),
        }
        return functions[kind]

    async def nested(self, change: PayoutChange) -> Awaitable[None]:
        return self.later(change)


ASYNC = ["a method", "a callable", "a partial", "a partial of a callable", "a lambda", "a decorated one"]
ASYNC += ["a future of it", "a coroutine of a coroutine"]


@pytest.mark.parametrize("kind", ASYNC)
def test_a_thread_runs_async_functions_too_in_one_loop_for_its_life(client: Client, kind: str) -> None:
    kept = Kept()
    with ChangeWorker(client, kept.of(kind), interval=0.05):
        for payout_id in ("TST-1", "TST-2"):
            see(client, payout_id)
            kept.seen.wait(payout_id)
    assert client.take_changes() == []
    (loop,) = kept.loops
    assert loop.is_closed()


def test_an_async_function_sees_the_context_of_nobody_else_and_its_tasks_end_with_the_worker(client: Client) -> None:
    seen, variable, left = Seen(), contextvars.ContextVar[str]("variable"), []
    set_before: list[str | None] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.append("cancelled")
            raise

    async def on_change(change: PayoutChange) -> None:
        set_before.append(variable.get(None))
        variable.set(change.payout_id)
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        assert not task.done()
        seen(change)

    see(client, "TST-1", "TST-2")
    with ChangeWorker(client, on_change, interval=0.05):
        seen.wait("TST-1", "TST-2")
    assert set(set_before) == {None}
    assert left == ["cancelled"] * len(seen.changes)


@pytest.mark.parametrize("name", LEAVING)
def test_a_worker_outlives_whatever_its_async_function_raises(
    client: Client, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    see(client, "TST-1")
    seen, raised = Seen(), iter([True])

    async def on_change(change: PayoutChange) -> None:
        await asyncio.sleep(0)
        if next(raised, False):
            raise LEAVING[name]
        seen(change)

    with ChangeWorker(client, on_change, interval=0.05):
        seen.wait("TST-1")
    record = next(record for record in caplog.records if record.name == "komopay.changes")
    assert record.getMessage().startswith("on_change raised for change 1 of payout TST-1") and record.exc_info


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_ends_the_loop_from_outside_the_function_ends_the_function_and_not_the_worker(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    see(client, "TST-1")
    seen, raised, ended = Seen(), iter([True]), []

    async def leave() -> None:
        raise SystemExit

    async def on_change(change: PayoutChange) -> None:
        if next(raised, False):
            task = asyncio.create_task(leave())
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(task)
        seen(change)

    with ChangeWorker(client, on_change, interval=0.05):
        seen.wait("TST-1")
    assert len(ended) == 1 and seen.changes[0].sequence == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_loop_of_its_own_and_takes_nothing_from_that_of_its_parent(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with new_client(sandbox, change_store=SqliteChangeStore(tmp_path / "changes.sqlite")) as client:
        seen = Seen()

        async def on_change(change: PayoutChange) -> None:
            # Woken by another thread.
            await asyncio.to_thread(str)
            seen(change)

        with ChangeWorker(client, on_change, interval=3600) as worker:
            see(client, "TST-1")
            worker.wake()
            seen.wait("TST-1")
            see(client, "TST-2")
            process = os.fork()
            if process == 0:
                code = 1
                try:
                    worker.wake()
                    code = 0 if seen.of("TST-2").wait(PATIENCE) else 2
                    worker.close()
                finally:
                    os._exit(code)
            assert os.waitpid(process, 0)[1] == 0
            see(client, "TST-3")
            worker.wake()
            seen.wait("TST-3")


def test_what_is_there_is_handled_at_once_and_counted(sandbox: Sandbox) -> None:
    # Its lease is not over before all are handled.
    client = new_client(sandbox, change_store=MemoryChangeStore(), change_lease=2)
    see(client, "TST-1", "TST-2")
    changes, stop = [], threading.Event()

    async def on_change(change: PayoutChange) -> None:
        if change.payout_id == "TST-1":
            raise RuntimeError("the database is down")
        changes.append(change)

    worker = ChangeWorker(client, on_change)
    handled, failed = worker.run_once()
    assert (handled, failed) == (len(changes), 1) and changes
    stop.set()
    assert worker.run_once(stop) == (0, 0)
    # It comes again when its lease is over.
    while (again := worker.run_once()) == (0, 0):
        pass
    assert again == (0, 1)
    client.close()


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


async def see_async(client: AsyncClient, *payout_ids: str) -> None:
    for payout_id in payout_ids:
        await client.create_payout(payout_id, documented_request())
        await client.wait_for_payout(payout_id, timeout=20)


class Given:
    """The ids of the payouts whose final change a function was given, in the loop or in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ids: set[str] = set()
        self.more = asyncio.Event()

    def note(self, change: PayoutChange) -> None:
        if change.payout.is_final:
            self.loop.call_soon_threadsafe(self._note, change.payout_id)

    def _note(self, payout_id: str) -> None:
        self.ids.add(payout_id)
        self.more.set()

    async def wait(self, payout_id: str) -> None:
        while payout_id not in self.ids:
            await asyncio.wait_for(self.more.wait(), PATIENCE)
            self.more.clear()


def looped(kind: str, ran: Callable[[PayoutChange], None]) -> Callable[[PayoutChange], object]:
    """Functions that need the loop."""

    async def later(change: PayoutChange) -> None:
        await asyncio.sleep(0)
        ran(change)

    async def with_number(number: int, change: PayoutChange) -> None:
        await later(change)

    class Callable_:
        async def __call__(self, change: PayoutChange) -> None:
            await later(change)

    loop = asyncio.get_running_loop()
    functions: dict[str, Callable[[PayoutChange], object]] = {
        "a callable": Callable_(),
        "a partial": functools.partial(with_number, 1),
        "a lambda": lambda change: later(change),
        "a decorated one": decorated(later),
        "a future of the loop": lambda change: asyncio.run_coroutine_threadsafe(later(change), loop),
        "a coroutine of a coroutine": lambda change: with_number(1, change),
    }
    return functions[kind]


AWAITABLE = ["a callable", "a partial", "a lambda", "a decorated one"]
AWAITABLE += ["a future of the loop", "a coroutine of a coroutine"]


@pytest.mark.parametrize("kind", AWAITABLE)
def test_whatever_can_be_awaited_is_run_to_its_end_where_there_is_a_loop(sandbox: Sandbox, kind: str) -> None:
    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore()) as client:
            await see_async(client, "TST-1")
            given = Given()
            async with AsyncChangeWorker(client, looped(kind, given.note), interval=0.05):
                await given.wait("TST-1")
            assert await client.take_changes() == []

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["a generator", "a decorated generator", "an async generator"])
def test_what_a_loop_cannot_run_is_not_acknowledged_there_either(
    sandbox: Sandbox, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05) as client:
            await see_async(client, "TST-1")
            given, calls = Given(), iter([True])

            def on_change(change: PayoutChange) -> object:
                if next(calls, False):
                    return UNFINISHED[kind](change)
                given.note(change)
                return None

            async with AsyncChangeWorker(client, on_change, interval=0.05):
                await given.wait("TST-1")

    asyncio.run(run())
    told = next(record.getMessage() for record in caplog.records if record.name == "komopay.changes")
    assert told.startswith("on_change returned a ") and "nothing of it runs by being called" in told


@pytest.mark.parametrize("kind", ["async", "ordinary"])
@pytest.mark.parametrize("name", LEAVING)
def test_a_task_outlives_whatever_its_function_raises(
    sandbox: Sandbox, name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    if (name, kind) == ("KeyboardInterrupt", "async"):
        return  # It is the application's: see below.

    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05) as client:
            await see_async(client, "TST-1")
            given, raised = Given(), iter([True])

            def ordinary(change: PayoutChange) -> None:
                if next(raised, False):
                    raise LEAVING[name]
                given.note(change)

            async def later(change: PayoutChange) -> None:
                if name == "CancelledError" and next(raised, False):
                    # As it comes about: something that the function waits for is cancelled.
                    inner = asyncio.ensure_future(asyncio.sleep(3600))
                    inner.cancel()
                    await inner
                ordinary(change)

            async with AsyncChangeWorker(client, later if kind == "async" else ordinary, interval=0.05):
                await given.wait("TST-1")

    asyncio.run(run())
    record = next(record for record in caplog.records if record.name == "komopay.changes")
    assert record.getMessage().startswith("on_change raised for change 1 of payout TST-1") and record.exc_info


def test_ctrl_c_in_an_async_function_reaches_the_application_and_is_told(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def on_change(change: PayoutChange) -> None:
        raise KeyboardInterrupt

    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore()) as client:
            await see_async(client, "TST-1")
            async with AsyncChangeWorker(client, on_change):
                await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(run())
    assert [record.levelname for record in caplog.records if record.name == "komopay.changes"] == ["CRITICAL"]


def test_a_task_that_the_application_cancels_is_cancelled_quietly(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05) as client:
            await see_async(client, "TST-1")
            given, began = Given(), asyncio.Event()
            cancelled: list[PayoutChange] = []

            async def on_change(change: PayoutChange) -> None:
                began.set()
                try:
                    await asyncio.sleep(0 if cancelled else 3600)
                except asyncio.CancelledError:
                    cancelled.append(change)
                    raise
                given.note(change)

            worker = AsyncChangeWorker(client, on_change, interval=0.05)
            worker.start()
            await began.wait()
            (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "komopay-changes")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(cancelled) == 1 and not given.ids
            # The next callback starts it again.
            worker.wake()
            await given.wait("TST-1")
            await worker.close()

    asyncio.run(run())
    assert not [record for record in caplog.records if record.name == "komopay.changes"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("end", ["closed", "left", "ended in order"])
def test_a_worker_whose_loop_is_gone_starts_in_another(
    sandbox: Sandbox, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = new_async_client(sandbox, change_store=MemoryChangeStore(), change_lease=0.05)
    told: list[str] = []

    async def on_change(change: PayoutChange) -> None:
        told.append(change.payout_id)

    worker = AsyncChangeWorker(client, on_change, interval=0.05)

    async def first() -> None:
        worker.start()
        await asyncio.sleep(0)
        if end == "closed":
            await worker.close()

    async def second() -> None:
        await see_async(client, "TST-1")
        worker.wake()
        while "TST-1" not in told:
            await asyncio.sleep(0.01)
        await worker.close()
        await client.close()

    if end == "ended in order":
        # It cancels what is left.
        asyncio.run(first())
    else:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(first())
        loop.close()
    asyncio.run(asyncio.wait_for(second(), PATIENCE))
    messages = [record.getMessage() for record in caplog.records if record.name == "komopay.changes"]
    gone = "the event loop that handled changes is gone; they are handled in another one now"
    assert messages == ([gone] if end == "left" else [])


def test_a_task_that_was_closed_may_be_started_again_and_the_last_of_two_blocks_closes_it(sandbox: Sandbox) -> None:
    async def run() -> None:
        async with new_async_client(sandbox, change_store=MemoryChangeStore()) as client:
            given = Given()

            async def on_change(change: PayoutChange) -> None:
                given.note(change)
                # The function may end its own worker.
                if change.payout_id == "TST-4" and change.payout.is_final:
                    await worker.close()

            worker = AsyncChangeWorker(client, on_change, interval=3600)
            for payout_id in ("TST-1", "TST-2"):
                await see_async(client, payout_id)
                async with worker:
                    await given.wait(payout_id)
            async with worker:
                async with worker:
                    pass
                await see_async(client, "TST-3")
                worker.wake()
                await given.wait("TST-3")
            await see_async(client, "TST-4")
            worker.wake()
            assert not any(task.get_name() == "komopay-changes" for task in asyncio.all_tasks())
            async with worker:
                await given.wait("TST-4")

    asyncio.run(run())
