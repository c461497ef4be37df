"""Values and errors as arguments and results of Celery's tasks, and batches that its workers pay.

    >>> from komopay.celery import register_types
    >>> register_types()  # where the Celery app is made: in workers, and in who sends tasks and reads results

From then on a `Payout`, a `Money` and every other value comes out of a task's arguments and its result as itself, and
so does an error that is given or returned. What a task raises needs no registration: Celery keeps the class and the
arguments of an exception, and those of a `KomopayError` are all that it tells.

`register` gives an app the task that works on a batch, and lets Celery's beat send it.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from inspect import isclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol, cast

from celery.signals import worker_shutting_down  # pyright: ignore[reportMissingTypeStubs]
from kombu.utils.json import register_type

import komopay
from komopay import ConfigurationError
from komopay.batches import Stop
from komopay.batches._looks import GRACE, NOT_STARTED, TURN, next_look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from komopay._pydantic import Value
    from komopay.batches import Batches, BatchStatus

__all__ = ["WORK", "register", "register_types"]

WORK = "komopay.work"
"""The name of the task that works on a batch. Its one argument is the batch's id."""

_ENDING = 120.0
"""How long what is under way takes to end when the time of a task is over: the grace, and the client's deadline."""

_VISIBILITY = {"redis": 3600.0, "rediss": 3600.0, "sentinel": 3600.0}
_SHORTEST_VISIBILITY = 1800.0
"""After which others deliver again what was not acknowledged: SQS and its like, and RabbitMQ's own limit."""

_log = logging.getLogger("komopay")


class _Conf(Protocol):
    broker_transport_options: Mapping[str, object] | None
    broker_url: str | Iterable[str] | None
    broker_read_url: str | Iterable[str] | None


class _Task(Protocol):
    """A task, as far as this module says. It is one of Celery's, with all that those can do."""

    def __call__(self, batch_id: str, /) -> None: ...
    def delay(self, batch_id: str, /) -> object: ...
    def s(self, batch_id: str, /) -> object: ...


class _App(Protocol):
    """A Celery app."""

    @property
    def conf(self) -> _Conf: ...
    def task(self, **options: object) -> Callable[[Callable[[str], None]], object]: ...
    def add_periodic_task(self, schedule: float, sig: object, /, *, name: str, expires: float) -> object: ...


class _Signal(Protocol):
    def connect(self, receiver: Callable[..., None], /, *, weak: bool, dispatch_uid: str) -> object: ...


def register(
    app: object,
    batches: Batches,
    *,
    ids: Iterable[str] = (),
    every: float | timedelta = 60.0,
    time: float | timedelta = 60.0,
) -> _Task:
    """Gives a Celery app the task `komopay.work`, which drives and follows a batch for a while, and returns it.

    The journal has to be in PostgreSQL: workers are several processes. What is paid is decided by it alone, so the task
    may be sent by anybody, twice, late, or while others work on the same batch. Its one argument is the batch's id; it
    enqueues nothing, returns nothing, and a batch that was not started yet is passed over.

    For each of ids, Celery's beat sends it every so many seconds. One that no worker took by then expires. For batches
    that come and go, put the task's name and their id into a schedule that is kept in a database.

    A task works for at most so much time, in seconds or as a timedelta. Then what is under way ends, which is given two
    minutes. All of that has to be over within half of the broker's visibility timeout
    (`broker_transport_options`: set it before this), or the broker would deliver it again while it still runs. With
    time as long as every, one worker at a time has a batch; with time three times as long, three of them.

    Call it when the app has all of its settings: a `beat_schedule` that is set later takes the place of what `ids` put
    there.

    A worker of the pools `solo` and `threads` that is asked to end stops after what is in flight. Children of `prefork`
    are not told of it: they end within the time.

    Errors: `ConfigurationError`, naming `time` or `every`. The task raises those of `Batches.drive`; the next one tries
    again.

    Example:

        >>> import celery, komopay.celery
        >>> from tempfile import TemporaryDirectory
        >>> from komopay.batches import Batches, generate_journal_key
        >>> app = celery.Celery("payroll", broker="redis://localhost", set_as_current=False)
        >>> folder = TemporaryDirectory()
        >>> client = Client.from_env()
        >>> batches = Batches(client, journal=f"{folder.name}/journal", journal_key=generate_journal_key())
        >>> work = komopay.celery.register(app, batches, ids=["refunds"], every=30)
        >>> app.conf.beat_schedule["komopay-refunds"]["task"], app.conf.beat_schedule["komopay-refunds"]["args"]
        ('komopay.work', ('refunds',))
        >>> batches.close()
        >>> folder.cleanup()
    """
    celery = cast("_App", app)
    seconds, period = _seconds("time", time), _seconds("every", every)
    limit = _limit(celery, seconds)

    def work(batch_id: str) -> None:
        # Settings of the app may have come after this.
        _ = _limit(celery, seconds)
        if batches.status(batch_id).state in NOT_STARTED:
            _log.info("batch %s was not started: nothing is to be done", batch_id)
            return
        with _Ending(seconds) as ending:
            _ = _work(batches, batch_id, ending)

    # Where the pool can, whatever hangs is killed in time.
    task = cast("_Task", celery.task(name=WORK, ignore_result=True, time_limit=limit)(work))
    for batch_id in ids:
        _ = celery.add_periodic_task(period, task.s(batch_id), name=f"komopay-{batch_id}", expires=period)
    shutting_down = cast("_Signal", cast("object", worker_shutting_down))
    _ = shutting_down.connect(_end_all, weak=False, dispatch_uid="komopay")
    return task


def _seconds(name: str, given: float | timedelta) -> float:
    seconds = given.total_seconds() if isinstance(given, timedelta) else float(given)
    if not seconds > 0:
        raise ConfigurationError(f"{name}: must be more than 0 seconds", field=name)
    return seconds


def _limit(app: _App, time: float) -> float:
    """Half of the visibility timeout, in which a task has to end."""
    conf = app.conf
    given = (conf.broker_transport_options or {}).get("visibility_timeout")
    url = conf.broker_read_url or conf.broker_url or ""
    scheme = (url if isinstance(url, str) else next(iter(url), "")).partition(":")[0].partition("+")[0]
    default = _VISIBILITY.get(scheme, _SHORTEST_VISIBILITY)
    limit = (float(cast("float", given)) if given else default) / 2
    if time + _ENDING > limit:
        text = (
            f"{time:g} s of work and {_ENDING:g} s to end are more than half of the broker's visibility timeout, "
            f"{limit:g} s: give a shorter time, or set visibility_timeout in broker_transport_options"
        )
        raise ConfigurationError(f"time: {text}", field="time")
    return limit


class _Ending:
    """Ends the work of one task: when its time is over, or when its worker ends."""

    def __init__(self, time: float) -> None:
        self.at: float = monotonic() + time
        self.stop: Stop = Stop()
        self._has_come: threading.Event = threading.Event()
        self._timer: threading.Timer = threading.Timer(time + GRACE, self.end)
        self._timer.daemon = True

    def end(self) -> None:
        self.stop.stop()
        self._has_come.set()

    def wait(self, seconds: float) -> bool:
        """Whether it came meanwhile."""
        return self._has_come.wait(seconds)

    def __enter__(self) -> _Ending:
        _endings.add(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._timer.cancel()
        _endings.discard(self)


_endings: set[_Ending] = set()


def _end_all(**_: object) -> None:
    for ending in list(_endings):
        ending.end()


def _work(batches: Batches, batch_id: str, ending: _Ending) -> BatchStatus:
    """Drives and follows, until the end has come, or nothing is due before it."""
    with ThreadPoolExecutor(1, "komopay-follow") as follower:
        while True:
            turn = min(monotonic() + TURN, ending.at)

            def follow(ends: float = turn) -> BatchStatus:
                return batches.follow(batch_id, max(ends - monotonic(), 0.0), stop=ending.stop)

            followed = follower.submit(contextvars.copy_context().run, follow)
            try:
                _ = batches.drive(batch_id, max(turn - monotonic(), 0.0), stop=ending.stop)
                _ = followed.result()
            except BaseException:
                ending.end()
                raise
            status = batches.status(batch_id)
            pause = next_look(status)
            if pause is None or monotonic() + pause >= ending.at or ending.wait(pause):
                return status


def register_types(*, include_personal: bool = False) -> None:
    """Teaches kombu's JSON, which Celery uses, every value and error of this package.

    What holds personal data, such as a `PayoutRequest`, is refused by whoever sends it, unless ``include_personal`` is
    True: then the account number is in the broker and in the result backend, for whoever can read these. An id is
    enough where the task can look the rest up.
    """
    for name in komopay.__all__:
        item = cast("object", getattr(komopay, name))
        if isclass(item) and hasattr(item, "from_dict"):
            _register(cast("type[Value]", item), include_personal=include_personal)


def _register(of: type[Value], *, include_personal: bool) -> None:
    def write(value: Value) -> dict[str, object]:
        return value.to_dict(include_personal=include_personal)

    register_type(of, f"komopay.{of.__name__}", write, of.from_dict)
