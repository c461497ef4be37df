"""Batches on Temporal: a workflow for each batch, on as many workers as you like. `pip install komopay[temporal]`.

A worker is a program of yours with an open journal, in PostgreSQL:

    async def main() -> None:
        temporal = await temporalio.client.Client.connect("localhost:7233")
        async with AsyncClient.from_env() as client, AsyncBatches(client, journal=JOURNAL) as batches:
            await temporalio.worker.Worker(
                temporal,
                task_queue="payouts",
                workflows=[komopay.temporal.BatchWorkflow],
                activities=komopay.temporal.activities(batches),
                graceful_shutdown_timeout=timedelta(minutes=2),
            ).run()

Once a person has started the batch, any program that reaches Temporal hands it over, by its id, and may ask and steer:

    handle = await komopay.temporal.start(temporal, "payroll-2026-11", task_queue="payouts")
    await handle.signal(BatchWorkflow.pause)
    progress = await handle.query(BatchWorkflow.status)

What is paid is decided by the journal alone. Temporal runs `drive` and `follow` somewhere, runs them again elsewhere
when a worker dies, waits, and shows how far it is; it is told ids of batches and counts, and nothing of people. Two
workflows for one batch, an activity that runs twice, and a server that has forgotten all of it pay nobody twice.
docs/engines.md shows all of this in full.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from temporalio import activity, workflow
from temporalio.client import Schedule, ScheduleActionStartWorkflow, ScheduleOverlapPolicy, SchedulePolicy
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from komopay import ConfigurationError, InvalidRequestError, KomopayError
from komopay.batches import Stop
from komopay.batches._looks import GRACE, TURN, next_look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from temporalio.client import Client, ScheduleSpec, WorkflowHandle

    from komopay.batches import AsyncBatches, BatchStatus

__all__ = ["BatchProgress", "BatchWorkflow", "activities", "schedule", "start"]

_NAME = "komopay.batch"
_WORK = "komopay.work"
_STATUS = "komopay.status"
_PAUSE, _RESUME, _CANCEL = "komopay.pause", "komopay.resume", "komopay.cancel"

_USUAL, _LONGEST = timedelta(minutes=2), timedelta(minutes=10)
"""For how long one activity works, and may be told to work."""
_WORK_ENDS = timedelta(minutes=15)
"""When an activity is given up that is still alive: what was under way when its time was over has ended long before."""
_HEARTBEAT = timedelta(seconds=10)
"""For how long a worker may be silent. To take a live one for a dead one is harmless: there are two then."""
_SOON = timedelta(seconds=30)
"""When one is given up that only asks the journal."""
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
_LOOK = timedelta(minutes=5)
"""How often it looks at a batch that waits for a person, who may decide without telling the workflow."""
_RUNNING_LOOK = timedelta(seconds=5)
"""How often while there is more to send: what another worker has claimed may be given back at any time."""
_EVENTS = 500
"""With how many events it continues as new: a round has 11 at most, so a history ends long before 1,000."""


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is: what Temporal is told. No person is in it, and no reason that a person gave.

    Example:

        >>> from komopay.temporal import BatchProgress
        >>> BatchProgress(state="running", items={"planned": 600, "accepted": 400}, due_in=0.0).items["accepted"]
        400
    """

    state: str
    """The state of the batch: a `komopay.batches.BatchState`. The list is open."""
    items: dict[str, int] = field(default_factory=dict)
    """How many items are in which state."""
    due_in: float | None = None
    """In how many seconds there was something to do again; None if there was not."""
    refused: str | None = None
    """Why the last signal changed nothing, if it did not."""


def _progress(status: BatchStatus) -> BatchProgress:
    items: dict[str, int] = {}
    for each in status.counts:
        items[str(each.state)] = items.get(str(each.state), 0) + each.count
    due_in = None if status.due_in is None else status.due_in.total_seconds()
    return BatchProgress(state=str(status.state), items=items, due_in=due_in)


# In the sandbox of workflows the native module of this package would be loaded for each of them. What it would see,
# the replay tests see.
@workflow.defn(name=_NAME, sandboxed=False)
class BatchWorkflow:
    """A batch from its start to its end: `komopay.temporal.start` starts it, with the batch's id and nothing else.

    It ends when every item is final, or when the batch was cancelled and what was sent is final, with the last
    `BatchProgress`. While the batch waits for a person, it waits. A batch that was not started is an error that ends
    it; a journal or a platform that cannot be reached is tried again, for as long as it takes.

    The signals are written down in the journal as decisions of `temporal`; who sent them, Temporal's history tells.
    `Batches.pause`, `start` and `cancel` do the same under a person's name, and with a reason.

    To cancel the *workflow* stops the work after what is in flight, and leaves the batch as it is: another workflow, or
    whatever else drives, goes on.
    """

    @workflow.init
    def __init__(self, batch_id: str) -> None:
        self._batch_id: str = batch_id
        self._progress: BatchProgress | None = None
        self._refused: str | None = None
        self._has_news: bool = False
        self._deciding: asyncio.Lock = asyncio.Lock()

    @workflow.run
    async def run(self, batch_id: str) -> BatchProgress:
        """Drives and follows, until the batch has ended."""
        self._progress = await self._ask(_STATUS)
        while True:
            self._has_news = False
            working = workflow.execute_activity(
                _WORK,
                batch_id,
                result_type=BatchProgress,
                start_to_close_timeout=_WORK_ENDS,
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=_RETRY,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
            progress = cast("BatchProgress", await working)
            self._progress = progress
            if progress.state == "closed" or (progress.state == "cancelled" and progress.due_in is None):
                await workflow.wait_condition(workflow.all_handlers_finished)
                return progress
            if workflow.info().get_current_history_length() >= _EVENTS:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(batch_id)
            longest = _RUNNING_LOOK if progress.state == "running" else _LOOK
            pause = longest if progress.due_in is None else min(timedelta(seconds=progress.due_in), longest)
            try:
                await workflow.wait_condition(lambda: self._has_news, timeout=pause)
            except asyncio.TimeoutError:
                continue

    @workflow.signal
    async def pause(self) -> None:
        """Lets nobody send more of the batch. See `Batches.pause`."""
        await self._decide(_PAUSE)

    @workflow.signal
    async def resume(self) -> None:
        """Goes on with a batch that is paused. See `Batches.start`."""
        await self._decide(_RESUME)

    @workflow.signal
    async def cancel(self) -> None:
        """Cancels what was not sent. See `Batches.cancel`."""
        await self._decide(_CANCEL)

    @workflow.query
    def status(self) -> BatchProgress | None:
        """How far it was when an activity ended last: every two minutes (see `activities`), and with every change of
        its state. None before the first. The heartbeat of the activity that runs tells twice a minute."""
        if self._progress is None:
            return None
        known = self._progress
        return BatchProgress(state=known.state, items=known.items, due_in=known.due_in, refused=self._refused)

    async def _decide(self, decision: str) -> None:
        # One after the other, in the order in which they came.
        async with self._deciding:
            try:
                self._progress = await self._ask(decision)
                self._refused = None
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                # It changed nothing, and the batch goes on as it was.
                self._refused = str(error.cause or error)
        self._has_news = True

    async def _ask(self, what: str) -> BatchProgress:
        answered = workflow.execute_activity(
            what, self._batch_id, result_type=BatchProgress, start_to_close_timeout=_SOON, retry_policy=_RETRY
        )
        return cast("BatchProgress", await answered)


def activities(
    batches: AsyncBatches, *, time: float | timedelta = _USUAL
) -> Sequence[Callable[[str], Awaitable[BatchProgress]]]:
    """The activities of a worker, over its open journal. A journal in PostgreSQL is shared by any number of workers.

    time is for how long one activity works, in seconds or as a timedelta: two minutes, and ten at most. After it, what
    is under way ends first. A worker that is shut down asks its activities to end in the same way: its
    ``graceful_shutdown_timeout`` has to be longer than the client's ``total_timeout``, so two minutes are plenty.

    Errors: `ConfigurationError`, naming `time`.

    Example:

        >>> import komopay.temporal
        >>> from tempfile import TemporaryDirectory
        >>> from komopay.batches import AsyncBatches, generate_journal_key
        >>> async def main(journal: str) -> int:
        ...     async with AsyncClient.from_env() as client:
        ...         async with AsyncBatches(client, journal=journal, journal_key=generate_journal_key()) as batches:
        ...             return len(komopay.temporal.activities(batches))
        >>> with TemporaryDirectory() as folder:
        ...     asyncio.run(main(f"{folder}/payroll.journal"))
        5
    """
    seconds = time.total_seconds() if isinstance(time, timedelta) else float(time)
    if not 0 < seconds <= _LONGEST.total_seconds():
        text = f"must be more than 0 and at most {_LONGEST.total_seconds():.0f} seconds"
        raise ConfigurationError(f"time: {text}", field="time")

    async def work(batch_id: str) -> BatchProgress:
        return await _told(_Work(batches, batch_id, seconds).to_its_end())

    async def status(batch_id: str) -> BatchProgress:
        return await _told(_status(batches, batch_id))

    async def pause(batch_id: str) -> BatchProgress:
        return await _told(_decided(batches, batch_id, batches.pause(batch_id, by=_BY, why=_WHY)))

    async def resume(batch_id: str) -> BatchProgress:
        return await _told(_decided(batches, batch_id, batches.start(batch_id, by=_BY, why=_WHY)))

    async def cancel(batch_id: str) -> BatchProgress:
        return await _told(_decided(batches, batch_id, batches.cancel(batch_id, by=_BY, why=_WHY)))

    named = {_WORK: work, _STATUS: status, _PAUSE: pause, _RESUME: resume, _CANCEL: cancel}
    return [activity.defn(name=name)(function) for name, function in named.items()]


async def start(temporal: Client, batch_id: str, *, task_queue: str) -> WorkflowHandle[BatchWorkflow, BatchProgress]:
    """Starts the workflow of a batch, named `komopay-` and the batch's id, or gives the handle of the one that runs.

    Example, where a server of Temporal answers::

        handle = await komopay.temporal.start(temporal, "payroll-2026-11", task_queue="payouts")
        print((await handle.result()).items)
    """
    return await temporal.start_workflow(
        BatchWorkflow.run,
        batch_id,
        id=_workflow_id(batch_id),
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


def schedule(batch_id: str, spec: ScheduleSpec, *, task_queue: str) -> Schedule:
    """A schedule for `temporalio.client.Client.create_schedule` that starts a workflow of a batch again and again.

    Temporal adds the time to its name: it is not the workflow of `start`, and may run beside that one, which pays
    nobody twice. To pause or cancel the batch, call `Batches.pause` and the like. While one of the schedule's own runs
    there is no other, and one for a batch that has ended ends at once: so a schedule brings a workflow back that
    somebody terminated, or that ended with an error which was mended since.

    Example:

        >>> from komopay.temporal import schedule
        >>> from temporalio.client import ScheduleIntervalSpec, ScheduleSpec
        >>> hourly = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
        >>> schedule("refunds", hourly, task_queue="payouts").policy.overlap.name
        'SKIP'
    """
    action = ScheduleActionStartWorkflow(
        BatchWorkflow.run, batch_id, id=_workflow_id(batch_id), task_queue=task_queue
    )
    return Schedule(action=action, spec=spec, policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP))


def _workflow_id(batch_id: str) -> str:
    return f"komopay-{batch_id}"


_BY, _WHY = "temporal", "a signal of its workflow"


async def _decided(batches: AsyncBatches, batch_id: str, decision: Awaitable[object]) -> BatchProgress:
    _ = await decision
    return await _status(batches, batch_id)


async def _status(batches: AsyncBatches, batch_id: str) -> BatchProgress:
    return _progress(await batches.status(batch_id))


async def _told(work: Coroutine[object, object, BatchProgress]) -> BatchProgress:
    """Tells Temporal which errors it may try again. None of ours shows anything secret or of a person."""
    try:
        return await work
    except KomopayError as error:
        is_final = isinstance(error, (ConfigurationError, InvalidRequestError))
        raise ApplicationError(str(error), type=str(error.kind), non_retryable=is_final) from None


class _Work:
    """One activity: it drives and follows until its time is over, nothing is due in it, or the state has changed."""

    def __init__(self, batches: AsyncBatches, batch_id: str, time: float) -> None:
        self._batches: AsyncBatches = batches
        self._batch_id: str = batch_id
        self._time: float = time
        self._stop: Stop = Stop()
        self._progress: BatchProgress | None = None

    async def to_its_end(self) -> BatchProgress:
        beating, stopping = asyncio.create_task(self._beat()), asyncio.create_task(self._stop_with_worker())
        timer = asyncio.get_running_loop().call_later(self._time + GRACE, self._stop.stop)
        try:
            return await self._work(stopping)
        finally:
            for each in (beating, stopping, timer):
                _ = each.cancel()

    async def _work(self, stopping: asyncio.Task[None]) -> BatchProgress:
        time = asyncio.get_running_loop().time
        ends, first = time() + self._time, await self._batches.status(self._batch_id)
        while True:
            turn = max(min(TURN, ends - time()), 0.0)
            # Both to their end, also if one of them fails or this is cancelled: they stop after what is in flight.
            ended = await asyncio.gather(
                self._batches.drive(self._batch_id, turn, stop=self._stop),
                self._batches.follow(self._batch_id, turn, stop=self._stop),
                return_exceptions=True,
            )
            for each in ended:
                if isinstance(each, BaseException):
                    raise each
            status = await self._batches.status(self._batch_id)
            self._progress = _progress(status)
            pause = next_look(status)
            if pause is None or status.state != first.state or self._stop.is_stopped or time() + pause >= ends:
                return self._progress
            _ = await asyncio.wait([stopping], timeout=pause)

    async def _beat(self) -> None:
        timeout = activity.info().heartbeat_timeout or _HEARTBEAT
        while True:
            activity.heartbeat(self._progress)
            await asyncio.sleep(timeout.total_seconds() / 3)

    async def _stop_with_worker(self) -> None:
        await activity.wait_for_worker_shutdown()
        self._stop.stop()
