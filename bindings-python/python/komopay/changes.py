"""Takes the changes of payouts out of a client's store and gives each to a function of yours.

The adapters (`komopay.fastapi`, `komopay.flask`, `komopay.django`) use it; use it by itself where callbacks are
received in one program and handled in another, both with the same `SqliteChangeStore` or `PostgresChangeStore`:

    with ChangeWorker(client, on_change):
        ...

Each change is taken alone, given to the function, and acknowledged when that has run to its end. If the function
raises, or the process dies in it, the change is given again when its `change_lease` is over. So keep, for each payout,
the highest `sequence` that was handled, in one transaction with what is done for it, and ignore a change whose number
is not above it: a worker that is late must not undo what came after. It must end within the `change_lease`: after that
another worker is given the same change. Of one payout, the next change comes only after the one before it was
acknowledged; other payouts do not wait.

**Several hosts** need one store that all of them share: a `PostgresChangeStore`. A `SqliteChangeStore` is for one
machine only: with a store of its own, each host counts `sequence` for itself, and a higher number of one would hide the
final status of another. All workers of one store need the same function: any of them may be given a change.

**The function** may be async or not, with both workers. A `ChangeWorker` runs an async one in an event loop of its
thread, which is made for the first and closed with the worker, so what the function keeps there, such as a connection
pool, is of use for the next change; between changes the loop stands still. An `AsyncChangeWorker` runs one that is not
async in a thread, where it holds up no loop.

**What the function returns** is ignored, such as the `AsyncResult` of a Celery task, which is enqueued by then. Work
that is not over is none: a `concurrent.futures.Future` is waited for, and whatever can be awaited is awaited.
Generators run nothing by being called, and are refused.

**What the function raises** is logged, and the worker goes on: also `SystemExit`, and a `CancelledError` of something
in the function. Two things belong to the application: a worker's task that it cancels is cancelled, and a
`KeyboardInterrupt` in an async function ends the worker, with a record of the log, and goes on to the event loop.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import inspect
import logging
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

from komopay import AsyncClient, Client, ClosedError, KomopayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from komopay import PayoutChange

__all__ = ["AsyncChangeWorker", "ChangeWorker"]

_LOG = logging.getLogger("komopay.changes")

_PATIENCE = 5.0
"""For how many seconds the end of the interpreter waits for a function that is at work."""

_AGAIN = "it is given again when its lease is over"

_NO_GENERATOR = "nothing of it runs by being called: give a function that returns when the change is handled"


def _check(client: object, kind: type[Client | AsyncClient], interval: float) -> None:
    if not isinstance(client, kind):
        raise TypeError(f"client must be a komopay.{kind.__name__}, not {type(client).__name__}")
    (client if isinstance(client, Client) else client._client)._check_changes()
    if not 0 < interval <= threading.TIMEOUT_MAX:
        raise ValueError("interval must be a number of seconds above 0")


def _is_async(on_change: object) -> bool:
    """Whether it is a coroutine function. What would be called and not run is refused, as far as that can be told."""
    is_function = callable(on_change)
    if not is_function:
        raise TypeError("on_change must be a function that takes a PayoutChange")
    function: object = on_change
    while isinstance(function, functools.partial):
        function = cast("functools.partial[object]", function).func
    kinds = (function, getattr(type(function), "__call__", None))
    if any(inspect.isgeneratorfunction(kind) or inspect.isasyncgenfunction(kind) for kind in kinds):
        raise TypeError(f"on_change is a generator function, and {_NO_GENERATOR}")
    return any(inspect.iscoroutinefunction(kind) for kind in kinds)


def _failed(change: PayoutChange, error: BaseException) -> None:
    """Logs what the function raised. It is the caller's own: the log may show it."""
    text = f"on_change raised for change %d of payout %s; {_AGAIN}"
    _LOG.error(text, change.sequence, change.payout_id, exc_info=error)


def _has_ended(made: object, change: PayoutChange) -> bool:
    """Whether the function did, going by what it returned. If not, that is logged, with what to do."""
    if not isinstance(made, (Generator, AsyncGenerator)):
        return True
    if isinstance(made, Generator):
        made.close()
    text = f"on_change returned a %s for change %d of payout %s, and {_NO_GENERATOR}; {_AGAIN}"
    _LOG.error(text, type(cast("object", made)).__name__, change.sequence, change.payout_id)
    return False


def _call(on_change: Callable[[PayoutChange], object], change: PayoutChange) -> tuple[object, BaseException | None]:
    """What the function returns, or what it raises, whatever that is: it must not end the thread that it runs in."""
    try:
        made = on_change(change)
        while isinstance(made, Future):
            made = cast("Future[object]", made).result()
    except BaseException as error:
        return None, error
    return made, None


async def _awaited(made: object) -> object:
    """What comes of it in the end, if it can be awaited."""
    while isinstance(made, Awaitable):
        made = await made
        while isinstance(made, Future):
            made = await asyncio.wrap_future(cast("Future[object]", made))
    return made


class _Loop:
    """The event loop of a worker's thread, for the functions that need one."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, made: object) -> tuple[object, BaseException | None]:
        """What comes of it, or what it raises, whatever that is."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        task = self._loop.create_task(_awaited(made), name="komopay-change")
        try:
            return self._loop.run_until_complete(task), None
        except BaseException as error:
            if not task.done():
                # Something else in the loop raised what ends it.
                _ = task.cancel()
                _ = self._loop.run_until_complete(asyncio.wait([task]))
            return None, error

    def close(self) -> None:
        """As `asyncio.run` ends: what is left in it is cancelled."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        try:
            left = asyncio.all_tasks(loop)
            for task in left:
                _ = task.cancel()
            _ = loop.run_until_complete(asyncio.wait(left)) if left else None
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


class _Start:
    """A worker's thread, from its start to its end."""

    def __init__(self, run: Callable[[_Start], None]) -> None:
        self.is_ending: bool = False
        self.loop: _Loop = _Loop()
        self.woken: threading.Event = threading.Event()
        self.thread: threading.Thread = threading.Thread(target=run, args=(self,), name="komopay-changes", daemon=True)


class ChangeWorker:
    """Gives changes to `on_change`, async or not, one after the other, on a thread of its own.

    It looks for changes when it starts, when it is woken, and every `interval` seconds, which finds what another
    process left behind. A forked child has no thread of it until `start` or `wake` is called there. It may be started
    again after it was closed; where `with` blocks overlap, the last one closes it.

    Errors: `ConfigurationError`, naming `change_store`, if the client has none; `TypeError`, naming `on_change`, if
    that would not run by being called.
    """

    def __init__(
        self,
        client: Client,
        on_change: Callable[[PayoutChange], Awaitable[object] | object],
        *,
        interval: float = 5.0,
    ) -> None:
        _check(client, Client, interval)
        _ = _is_async(on_change)
        self._client = client
        self._on_change = on_change
        self._interval = interval
        self._is_closed = False
        self._entered = 0
        self._forget()
        _WORKERS.add(self)

    def _forget(self) -> None:
        """A new process has neither the thread nor a lock that another thread held."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._start: _Start | None = None

    def _notice_fork(self) -> None:
        """Of some forks Python is not told: of those of uWSGI's master, for example."""
        if self._process != os.getpid():
            self._forget()

    def start(self) -> None:
        """Starts the thread, if this process has none yet: what is left from an earlier process is handled now."""
        self._notice_fork()
        with self._lock:
            self._is_closed = False
            _ = self._begin()

    def wake(self) -> None:
        """Lets the worker look now, and starts it if this process has none yet; not one that was closed."""
        self._notice_fork()
        with self._lock:
            if not self._is_closed:
                self._begin().woken.set()

    def _begin(self) -> _Start:
        start = self._start
        if start is None or start.is_ending or not start.thread.is_alive():
            start = _Start(self._run)
            start.thread.start()
            self._start = start
        return start

    def close(self, timeout: float | None = None) -> None:
        """Takes no further change, and waits until the function has ended, at most so many seconds."""
        self._notice_fork()
        with self._lock:
            self._is_closed = True
            start = self._start
            if start is not None:
                start.is_ending = True
                start.woken.set()
        if start is not None and start.thread is not threading.current_thread():
            start.thread.join(timeout)

    def __enter__(self) -> Self:
        self.start()
        with self._lock:
            self._entered += 1
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        with self._lock:
            self._entered -= 1
            is_last = self._entered == 0
        if is_last:
            self.close()

    def _run(self, start: _Start) -> None:
        try:
            while not start.is_ending:
                start.woken.clear()
                try:
                    while not start.is_ending and self._deliver(start) is not None:
                        pass
                except ClosedError:
                    return
                except KomopayError as error:
                    _LOG.error("changes cannot be taken: %s", error)
                except Exception:
                    _LOG.exception("changes cannot be taken")
                if not start.is_ending:
                    _ = start.woken.wait(self._interval)
        except BaseException:
            _LOG.critical(
                "the worker of changes has ended; the next callback or start() starts it again", exc_info=True
            )
        finally:
            start.loop.close()

    def run_once(self, stop: threading.Event | None = None) -> tuple[int, int]:
        """Handles what is there now, in this thread, and returns: how many were handled, and how many failed.

        `stop` ends it after the change that is at work. Errors: those of `Client.take_changes`.
        """
        start, handled, failed = _Start(self._run), 0, 0
        try:
            while not (stop is not None and stop.is_set()) and (ended := self._deliver(start)) is not None:
                handled, failed = handled + ended, failed + (not ended)
        finally:
            start.loop.close()
        return handled, failed

    def _deliver(self, start: _Start) -> bool | None:
        """Whether the function ran to its end; None if there was no change."""
        # One at a time: its lease begins when the function does.
        for change in self._client.take_changes(limit=1):
            made, error = _call(self._on_change, change)
            if error is None and isinstance(made, Awaitable):
                made, error = start.loop.run(made)
            if error is not None:
                _failed(change, error)
                return False
            if not _has_ended(made, change):
                return False
            self._client.acknowledge_change(change.payout_id, change.sequence)
            return True
        return None


class _AsyncStart:
    """A worker's task, from its start to its end."""

    def __init__(self) -> None:
        self.is_ending: bool = False
        self.entered: int = 0
        self.woken: asyncio.Event = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.handling: asyncio.Task[bool] | None = None


class AsyncChangeWorker:
    """The same for asyncio, as a task of each event loop in which it was started.

    `on_change` is an async function, or an ordinary one, which then runs in a thread. `start`, `wake` and `close` are
    about the loop that runs.

    Errors: as for `ChangeWorker`.
    """

    def __init__(
        self,
        client: AsyncClient,
        on_change: Callable[[PayoutChange], Awaitable[object] | object],
        *,
        interval: float = 5.0,
    ) -> None:
        _check(client, AsyncClient, interval)
        self._is_async = _is_async(on_change)
        self._client = client
        self._on_change = on_change
        self._interval = interval
        self._starts: dict[asyncio.AbstractEventLoop, _AsyncStart] = {}

    @property
    def _task(self) -> asyncio.Task[None] | None:
        """The task in the running loop, if it was started there."""
        start = self._starts.get(asyncio.get_running_loop())
        return None if start is None else start.task

    def start(self) -> None:
        """Starts the task in the running loop, if it has none yet."""
        _ = self._begin()

    def wake(self) -> None:
        """Lets the worker look now, and starts it if the running loop has none yet; not one that was closed there."""
        start = self._starts.get(asyncio.get_running_loop())
        if start is None or not start.is_ending:
            self._begin().woken.set()

    def _begin(self) -> _AsyncStart:
        loop = asyncio.get_running_loop()
        start = self._starts.get(loop)
        if start is None or start.is_ending or start.task is None or start.task.done():
            self._forget_loops()
            start = self._starts[loop] = _AsyncStart()
            start.task = loop.create_task(self._run(start), name="komopay-changes")
        return start

    def _forget_loops(self) -> None:
        for loop, start in list(self._starts.items()):
            if loop.is_closed():
                del self._starts[loop]
                if start.task is not None and not start.task.done():
                    _LOG.warning("the event loop that handled changes is gone; they are handled in another one now")

    async def close(self) -> None:
        """Takes no further change, and waits until the function has ended."""
        start, task = self._starts.get(asyncio.get_running_loop()), self._task
        if start is None or task is None:
            return
        start.is_ending = True
        start.woken.set()
        # The function itself may close the worker; it does not wait for its own end.
        if asyncio.current_task() is not start.handling:
            _ = await asyncio.wait([task])

    async def __aenter__(self) -> Self:
        self._begin().entered += 1
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        start = self._starts.get(asyncio.get_running_loop())
        if start is not None:
            start.entered -= 1
            if start.entered <= 0:
                await self.close()

    async def _run(self, start: _AsyncStart) -> None:
        while not start.is_ending:
            start.woken.clear()
            try:
                while not start.is_ending and await self._deliver(start):
                    pass
            except ClosedError:
                return
            except KomopayError as error:
                _LOG.error("changes cannot be taken: %s", error)
            except Exception:
                _LOG.exception("changes cannot be taken")
            if not start.is_ending:
                try:
                    _ = await asyncio.wait_for(start.woken.wait(), self._interval)
                except asyncio.TimeoutError:
                    pass

    async def _deliver(self, start: _AsyncStart) -> bool:
        for change in await self._client.take_changes(limit=1):
            if await self._has_handled(start, change):
                await self._client.acknowledge_change(change.payout_id, change.sequence)
            return True
        return False

    async def _has_handled(self, start: _AsyncStart, change: PayoutChange) -> bool:
        # In a task of its own, a cancellation from inside is told from one of the worker.
        start.handling = handling = asyncio.create_task(self._handle(change), name="komopay-change")
        try:
            _ = await asyncio.wait([handling])
        except asyncio.CancelledError:
            _ = handling.cancel()
            _ = await asyncio.wait([handling])
            raise
        try:
            return handling.result()
        except asyncio.CancelledError as error:
            _failed(change, error)
            return False

    async def _handle(self, change: PayoutChange) -> bool:
        """Whether the function ran to its end."""
        try:
            made: object
            if self._is_async:
                made, error = self._on_change(change), None
            else:
                made, error = await asyncio.to_thread(_call, self._on_change, change)
            made = await _awaited(made)
        except asyncio.CancelledError:
            raise
        except KeyboardInterrupt:
            _LOG.critical("on_change was interrupted, and the worker of changes ends with its loop", exc_info=True)
            raise
        except BaseException as raised:
            made, error = None, raised
        if error is not None:
            _failed(change, error)
            return False
        return _has_ended(made, change)


_WORKERS: weakref.WeakSet[ChangeWorker] = weakref.WeakSet()


def _forget_all() -> None:
    for worker in list(_WORKERS):
        worker._forget()


def _close_all() -> None:
    for worker in list(_WORKERS):
        worker.close(_PATIENCE)


# Windows has no forks.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
_ = atexit.register(_close_all)
