"""Takes the changes of payouts out of a client's store and gives each to a function of yours.

The adapters (`komopay.fastapi`, `komopay.flask`, `komopay.django`) use it; use it by itself where callbacks are received
in one program and handled in another, both with the same `SqliteChangeStore`:

    with ChangeWorker(client, on_change):
        ...

Each change is taken alone, given to the function, and acknowledged when that has returned. If the function raises, or the
process dies in it, the change is given again when its `change_lease` is over. So keep, for each payout, the highest
`sequence` that was handled, in one transaction with what is done for it, and ignore a change whose number is not above it: a
worker that is late must not undo what came after. It must end within the `change_lease`: after
that another worker is given the same change. Of one payout, the next change comes only after the one before it was
acknowledged; other payouts do not wait.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING

from komopay import ClosedError, KomopayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Self

    from komopay import AsyncClient, Client, PayoutChange

__all__ = ["AsyncChangeWorker", "ChangeWorker"]

_LOG = logging.getLogger("komopay.changes")

_PATIENCE = 5.0
"""For how many seconds the end of the interpreter waits for a function that is at work."""


def _check(on_change: object, interval: float) -> None:
    is_function = callable(on_change)
    if not is_function:
        raise TypeError("on_change must be a function that takes a PayoutChange")
    if not 0 < interval <= threading.TIMEOUT_MAX:
        raise ValueError("interval must be a number of seconds above 0")


def _failed(change: PayoutChange) -> None:
    """Logs what the function raised. It is the caller's own: the log may show it."""
    text = "on_change raised for change %d of payout %s; it is given again when its lease is over"
    _LOG.exception(text, change.sequence, change.payout_id)


class ChangeWorker:
    """Gives changes to `on_change`, one after the other, on a thread of its own.

    It looks for changes when it starts, when it is woken, and every `interval` seconds, which finds what another process
    left behind. A forked child has no thread of it until `start` or `wake` is called there.
    """

    def __init__(self, client: Client, on_change: Callable[[PayoutChange], object], *, interval: float = 5.0) -> None:
        _check(on_change, interval)
        self._client = client
        self._on_change = on_change
        self._interval = interval
        self._stopping = False
        self._forget()
        _WORKERS.add(self)

    def _forget(self) -> None:
        """A new process has neither the thread nor a lock that another thread held."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def _notice_fork(self) -> None:
        """Of some forks Python is not told: of those of uWSGI's master, for example."""
        if self._process != os.getpid():
            self._forget()

    def start(self) -> None:
        """Starts the thread, if this process has none yet: what is left from an earlier process is handled now."""
        self._notice_fork()
        with self._lock:
            if self._stopping or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="komopay-changes", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Lets the worker look now, and starts it if this process has none yet."""
        self._notice_fork()
        self._woken.set()
        self.start()

    def close(self, timeout: float | None = None) -> None:
        """Takes no further change, and waits until the function has ended, at most so many seconds."""
        self._notice_fork()
        with self._lock:
            self._stopping = True
            thread = self._thread
        self._woken.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                while not self._stopping and self._deliver():
                    pass
            except ClosedError:
                return
            except KomopayError as error:
                _LOG.error("changes cannot be taken: %s", error)
            if not self._stopping:
                _ = self._woken.wait(self._interval)

    def _deliver(self) -> bool:
        """Whether there was a change."""
        # One at a time: its lease begins when the function does.
        for change in self._client.take_changes(limit=1):
            try:
                _ = self._on_change(change)
            except Exception:
                _failed(change)
            else:
                self._client.acknowledge_change(change.payout_id, change.sequence)
            return True
        return False


class AsyncChangeWorker:
    """The same for asyncio, as a task of the loop in which it was started.

    `on_change` is an async function, or an ordinary one, which then runs in a thread.
    """

    def __init__(
        self,
        client: AsyncClient,
        on_change: Callable[[PayoutChange], Awaitable[object] | object],
        *,
        interval: float = 5.0,
    ) -> None:
        _check(on_change, interval)
        self._client = client
        self._on_change = on_change
        self._interval = interval
        self._woken = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the task in the running loop, if there is none yet."""
        if not self._stopping and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run(), name="komopay-changes")

    def wake(self) -> None:
        """Lets the worker look now, and starts it if there is none yet."""
        self._woken.set()
        self.start()

    async def close(self) -> None:
        """Takes no further change, and waits until the function has ended."""
        self._stopping = True
        self._woken.set()
        if self._task is not None:
            _ = await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self.close()

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                while not self._stopping and await self._deliver():
                    pass
            except ClosedError:
                return
            except KomopayError as error:
                _LOG.error("changes cannot be taken: %s", error)
            if not self._stopping:
                try:
                    _ = await asyncio.wait_for(self._woken.wait(), self._interval)
                except asyncio.TimeoutError:
                    pass

    async def _deliver(self) -> bool:
        for change in await self._client.take_changes(limit=1):
            try:
                if inspect.iscoroutinefunction(self._on_change):
                    await self._on_change(change)
                else:
                    made = await asyncio.to_thread(self._on_change, change)
                    if inspect.isawaitable(made):
                        await made
            except Exception:
                _failed(change)
            else:
                await self._client.acknowledge_change(change.payout_id, change.sequence)
            return True
        return False


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
