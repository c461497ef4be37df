"""A batch on Temporal: workers that are processes of their own, a server that is killed, and what is in its history."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import new_async_client
from engines import Payroll, example, payroll
from gateway import Sandbox
from postgres import Server
from programs import App
from temporal_server import Temporal, jars
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
)
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Replayer, Worker
from temporalio.workflow import NondeterminismError

from komopay import ConfigurationError
from komopay.batches import AsyncBatches, BatchStatus, Stop
from komopay.temporal import BatchProgress, BatchWorkflow, activities, schedule, start

QUEUE = "payouts"
CACHE = 'task_queue="payouts",'
ENDED = (0, -signal.SIGABRT)
"""How a program with temporalio ends: when all is done, its threads may abort the interpreter (sdk-python#300)."""
HISTORIES = Path(__file__).parent / "histories"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def class_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return jars(tmp_path_factory.mktemp("temporal"))


@pytest.fixture(scope="module")
def temporal(class_path: str) -> Iterator[Temporal]:
    with Temporal(class_path) as temporal:
        yield temporal


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One whose payouts are final at once."""
    with Sandbox(processing_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def paid(server: Server, sandbox: Sandbox, folder: Path) -> Iterator[Payroll]:
    with payroll(server, sandbox, folder) as made:
        yield made


class Process(App):
    """A worker: the program of the guide."""

    def __init__(self, temporal: Temporal, paid: Payroll, folder: Path) -> None:
        environment = {**paid.environment, "TEMPORAL_ADDRESS": temporal.address}
        program = example("payroll_worker.py", folder)
        # The server of the tests never takes a workflow back from a worker that had it in its cache and is gone.
        text = program.read_text()
        assert text.count(CACHE) == 1
        options = f"{CACHE} max_cached_workflows=0, max_heartbeat_throttle_interval=timedelta(seconds=1),"
        program.write_text(text.replace(CACHE, options))
        super().__init__([str(program)], folder, environment)

    def _wait_until_there(self) -> None:
        self.wait_for("ready")


class Listening:
    """The batches of an activity; it tells when that is cancelled, which `drive` tells only when it has stopped."""

    def __init__(self, batches: AsyncBatches, cancelled: asyncio.Event) -> None:
        self._cancelled = cancelled
        self.status, self.follow, self._drive = batches.status, batches.follow, batches.drive
        self.pause, self.start, self.cancel = batches.pause, batches.start, batches.cancel

    async def drive(self, batch_id: str, time: float, *, stop: Stop) -> BatchStatus:
        driving = asyncio.create_task(self._drive(batch_id, time, stop=stop))
        try:
            return await asyncio.shield(driving)
        except asyncio.CancelledError:
            self._cancelled.set()
            driving.cancel()
            return await driving


def handed_over(temporal: Temporal, folder: Path) -> str:
    """What the program of the guide prints that hands a batch over, and waits for its end."""
    command = [sys.executable, str(example("pay_with_temporal.py", folder))]
    environment = {**os.environ, "TEMPORAL_ADDRESS": temporal.address}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    # No thread in it is ours, and those of temporalio may end it by a segfault, too. What it printed must be whole.
    assert run.returncode in (*ENDED, -signal.SIGSEGV), run.stderr
    return run.stdout


@asynccontextmanager
async def working(
    client: Client, paid: Payroll, cancelled: asyncio.Event | None = None, **settings: Any
) -> AsyncIterator[AsyncBatches]:
    """A worker in this process, and its journal."""
    async with new_async_client(paid.sandbox) as pays:
        async with AsyncBatches(pays, journal=paid.journal, journal_key=paid.key) as batches:
            used: Any = batches if cancelled is None else Listening(batches, cancelled)
            async with Worker(
                client,
                task_queue=QUEUE,
                workflows=[BatchWorkflow],
                activities=activities(used, **settings),
                graceful_shutdown_timeout=timedelta(seconds=30),
                max_heartbeat_throttle_interval=timedelta(seconds=1),
            ):
                yield batches


async def ended(handle: WorkflowHandle[Any, BatchProgress]) -> BatchProgress:
    try:
        return await asyncio.wait_for(handle.result(), 180)
    except asyncio.TimeoutError:
        history = await handle.fetch_history()
        told = [(event.event_time.ToJsonString()[11:23], EventType.Name(event.event_type)) for event in history.events]
        activities = (await handle.describe()).raw_description.pending_activities
        pytest.fail(f"it has not ended: {told}, {activities}")


async def until(handle: WorkflowHandle[Any, Any], is_so: Callable[[BatchProgress], bool]) -> BatchProgress:
    """What the query tells when it tells this."""
    while True:
        progress = await handle.query(BatchWorkflow.status)
        if progress is not None and is_so(progress):
            return progress
        await asyncio.sleep(0.05)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 300))


def test_a_batch_is_paid_to_its_end_and_its_history_holds_no_person(temporal: Temporal, paid: Payroll) -> None:
    async def main() -> None:
        client = await temporal.client()
        async with working(client, paid, time=1):
            first, second = [await start(client, paid.id, task_queue=QUEUE) for _ in range(2)]
            assert first.first_execution_run_id == second.first_execution_run_id
            progress = await ended(first)
            assert (progress.state, progress.items, progress.due_in) == ("closed", {"succeeded": 120}, None)
            assert await first.query(BatchWorkflow.status) == progress
            # One that has ended ends at once: as a schedule starts it.
            hourly = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
            action = schedule(paid.id, hourly, task_queue=QUEUE).action
            assert isinstance(action, ScheduleActionStartWorkflow)
            again = await client.start_workflow(
                action.workflow, args=action.args, id=action.id, task_queue=action.task_queue, result_type=BatchProgress
            )
            assert await ended(again) == progress
        history = await client.get_workflow_handle(first.id, run_id=first.first_execution_run_id).fetch_history()
        written = b"".join(event.SerializeToString() for event in history.events)
        assert written.count(b'"state":"running"') > 1, "an activity ends when its time is over"
        assert paid.id.encode() in written and b"succeeded" in written
        assert [canary for canary in paid.canaries() if canary in written] == []
        assert await replayed(history) is None

    paid.start(120, requests_per_second=40)
    run(main())
    paid.account_for()


async def replayed(history: WorkflowHistory) -> Exception | None:
    """What the workflow of today makes of a history of yesterday: nothing else, or an error."""
    replayer = Replayer(workflows=[BatchWorkflow])
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


def test_a_worker_is_killed_and_another_goes_on(temporal: Temporal, paid: Payroll, folder: Path) -> None:
    async def main() -> None:
        client = await temporal.client()
        with Process(temporal, paid, folder) as worker:
            await start(client, paid.id, task_queue=QUEUE)
            await asyncio.to_thread(paid.wait_until_held, 20)
            assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
        paid.sandbox.release()
        paid.let_tokens_end()
        with Process(temporal, paid, folder) as worker:
            # The same workflow: it was never told of anything.
            told = await asyncio.to_thread(handed_over, temporal, folder)
            assert told.endswith("{'succeeded': 60}\n"), told
            assert worker.stop() in ENDED

    # That of the guide.
    paid.id = "payroll-2026-11"
    paid.start(60)
    paid.hold_after(20)
    run(main())
    paid.account_for()


def test_workers_are_replaced_in_the_middle(temporal: Temporal, paid: Payroll, folder: Path) -> None:
    async def main() -> None:
        client = await temporal.client()
        with Process(temporal, paid, folder) as first:
            handle = await start(client, paid.id, task_queue=QUEUE)
            await asyncio.to_thread(paid.wait_until_held, 20)
            first.tell(signal.SIGTERM)
            paid.sandbox.release()
            assert first.stop() in ENDED
        made = sum(paid.executed().values())
        assert 24 <= made < 300, "it ended after what was in flight, and not with the batch"
        with Process(temporal, paid, folder) as second:
            assert (await ended(handle)).items == {"succeeded": 300}
            assert second.stop() in ENDED
        started = [event.activity_task_started_event_attributes for event in (await handle.fetch_history()).events]
        assert max(each.attempt for each in started) == 1, "nothing was given up"

    paid.start(300)
    paid.hold_after(20)
    run(main())
    paid.account_for()


def test_the_server_is_killed_and_what_it_forgot_is_started_anew(class_path: str, paid: Payroll) -> None:
    async def main() -> None:
        with Temporal(class_path) as first:
            client = await first.client()
            async with working(client, paid):
                await start(client, paid.id, task_queue=QUEUE)
                await asyncio.to_thread(paid.wait_until_held, 20)
                first.kill()
                with first:
                    again = await first.client()
                    # The first activity is under way still, and this one does the same.
                    async with working(again, paid):
                        handle = await start(again, paid.id, task_queue=QUEUE)
                        await until(handle, lambda progress: progress.state == "running")
                        paid.sandbox.release()
                        assert (await ended(handle)).items == {"succeeded": 60}

    paid.start(60)
    paid.hold_after(20)
    run(main())
    paid.account_for()


def test_signals_pause_resume_and_cancel(temporal: Temporal, paid: Payroll) -> None:
    async def main() -> None:
        client = await temporal.client()
        async with working(client, paid) as batches:
            handle = await start(client, paid.id, task_queue=QUEUE)
            await asyncio.to_thread(paid.wait_until_held, 20)
            # While an activity works.
            await handle.signal(BatchWorkflow.pause)
            await until(handle, lambda progress: progress.state == "paused")
            paid.sandbox.release()
            while (status := await batches.status(paid.id)).due_in is not None:
                await asyncio.sleep(0.05)
            planned = status.count("planned")
            assert planned > 0 and (await batches.status(paid.id)).why == "a signal of its workflow"
            made = sum(paid.executed().values())
            paid.hold_after(8)
            await handle.signal(BatchWorkflow.resume)
            await until(handle, lambda progress: progress.state == "running")
            await asyncio.to_thread(paid.wait_until_held, made + 8)
            await handle.signal(BatchWorkflow.resume)
            refused = await until(handle, lambda progress: progress.refused is not None)
            assert refused.refused is not None and "batch_id" in refused.refused
            await handle.signal(BatchWorkflow.cancel)
            await until(handle, lambda progress: progress.state == "cancelled")
            paid.sandbox.release()
            progress = await ended(handle)
            assert progress.state == "cancelled" and progress.items["cancelled"] > 0
            assert progress.items["cancelled"] + progress.items["succeeded"] == 200
            decisions = [(event.what, event.who) for event in await batches.events(paid.id)][3:]
            assert [what for what, who in decisions if who == "temporal"] == ["paused", "running", "cancelled"]
        assert await replayed(await handle.fetch_history()) is None
        assert sum(paid.executed().values()) == progress.items["succeeded"]
        assert set(paid.executed().values()) == {1}

    paid.start(200)
    paid.hold_after(20)
    run(main())


def test_a_workflow_that_is_cancelled_stops_after_what_is_in_flight(temporal: Temporal, paid: Payroll) -> None:
    async def main() -> None:
        client = await temporal.client()
        heard = asyncio.Event()
        async with working(client, paid, heard) as batches:
            handle = await start(client, paid.id, task_queue=QUEUE)
            await asyncio.to_thread(paid.wait_until_held, 20)
            await handle.cancel()
            # With the next heartbeat.
            await heard.wait()
            assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING, "it waits for what is under way"
            await asyncio.to_thread(paid.sandbox.release)
            with pytest.raises(WorkflowFailureError) as caught:
                await ended(handle)
            assert isinstance(caught.value.cause, CancelledError)
            status = await batches.status(paid.id)
            assert (status.state, sum(paid.executed().values())) == ("running", 24), status

    paid.start(60)
    paid.hold_after(20)
    run(main())


def test_what_cannot_get_better_ends_it_and_what_can_is_tried_again(temporal: Temporal, paid: Payroll) -> None:
    async def main() -> None:
        client = await temporal.client()
        async with working(client, paid) as batches:
            for batch_id, said in ((paid.id, "was not started"), ("none", "no such batch")):
                handle = await start(client, batch_id, task_queue=QUEUE)
                with pytest.raises(WorkflowFailureError) as caught:
                    await ended(handle)
                cause = caught.value.cause.__cause__
                assert isinstance(cause, ApplicationError) and cause.non_retryable
                assert cause.type == "invalid_request" and said in str(cause), cause
            for time in (0, 601, timedelta(hours=1)):
                with pytest.raises(ConfigurationError) as wrong:
                    activities(batches, time=time)
                assert wrong.value.field == "time"

    with paid.batches() as batches:
        batches.plan(paid.id, paid.rows(1), maker="maker")
    run(main())


def test_a_journal_that_cannot_be_reached_is_tried_again(temporal: Temporal, paid: Payroll, server: Server) -> None:
    async def main() -> None:
        client = await temporal.client()
        async with working(client, paid):
            with psycopg.connect(server.url, autocommit=True) as connection:
                database = paid.journal.rpartition("/")[2]
                connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
                gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                connection.execute(gone, [database])
                handle = await start(client, paid.id, task_queue=QUEUE)
                while not (pending := (await handle.describe()).raw_description.pending_activities) or (
                    pending[0].attempt < 2
                ):
                    await asyncio.sleep(0.05)
                connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())
            assert (await ended(handle)).items == {"succeeded": 10}

    paid.start(10)
    run(main())
    paid.account_for()


def test_a_history_is_short_however_many_rounds_there_are(temporal: Temporal) -> None:
    """With an activity of this test, which works for no time: what a round leaves behind is what is counted."""
    rounds = {False: 0, True: 0}

    def worked(waits: bool, most: int) -> Callable[[str], Awaitable[BatchProgress]]:
        items = {"planned": 600_000, "accepted": 300_000, "succeeded": 99_000, "failed": 900, "needs_person": 100}

        @activity.defn(name="komopay.work")
        async def work(_: str) -> BatchProgress:
            rounds[waits] += 1
            ended = rounds[waits] == most
            return BatchProgress("closed" if ended else "running", items, 0.001 if waits else 0.0)

        return work

    @activity.defn(name="komopay.status")
    async def status(_: str) -> BatchProgress:
        return BatchProgress("running")

    async def main() -> None:
        client = await temporal.client()
        for waits, most, each in ((False, 100, 6), (True, 100, 11)):
            work = worked(waits, most)
            async with Worker(client, task_queue=QUEUE, workflows=[BatchWorkflow], activities=[work, status]):
                handle = await start(client, f"rounds-{each}", task_queue=QUEUE)
                assert (await ended(handle)).state == "closed"
            run_id, events = handle.first_execution_run_id, 0
            while run_id:
                history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
                assert await replayed(history) is None
                size = sum(len(event.SerializeToString()) for event in history.events)
                assert len(history.events) <= 520 and size < 200_000, (len(history.events), size)
                events += len(history.events)
                run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
            assert (events + most / 2) // most == each, events
        assert rounds == {False: 100, True: 100}

    run(main())


@pytest.mark.parametrize("name", ["paused_resumed_cancelled", "to_its_end"])
def test_a_change_of_the_workflow_breaks_none_that_runs(name: str) -> None:
    """Histories of workflows as they were started. When its code has to decide in another order, a worker needs
    `workflow.patched`, and these stay as they are; the one of the new order is added, by `WorkflowHistory.to_json`."""
    text = (HISTORIES / f"{name}.json").read_text()
    assert asyncio.run(replayed(WorkflowHistory.from_json("komopay-payroll", text))) is None


def test_another_workflow_would_not_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("komopay.temporal._WORK", "komopay.another")
    text = (HISTORIES / "to_its_end.json").read_text()
    failure = asyncio.run(replayed(WorkflowHistory.from_json("komopay-payroll", text)))
    assert isinstance(failure, NondeterminismError)
