"""A batch on Celery and Redis: ticks of beat, killed children, tasks that come twice, and a broker that forgets."""

from __future__ import annotations

import base64
import os
import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from broker import Queue
from celery import Celery
from conftest import new_client
from engines import Payroll, example, payroll
from gateway import Sandbox
from postgres import Server
from programs import App

from komopay import ConfigurationError, InvalidRequestError
from komopay.batches import Batches, generate_journal_key
from komopay.celery import WORK, register

PERIOD = "every=30, time=60"
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One whose payouts are final at once."""
    with Sandbox(processing_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def paid(server: Server, sandbox: Sandbox, folder: Path) -> Iterator[Payroll]:
    with payroll(server, sandbox, folder) as made:
        # That of the guide.
        made.id = "payroll-2026-11"
        yield made


class Process(App):
    """A program of Celery's with the app of the guide, whose beat ticks each second."""

    def __init__(self, queue: Queue, paid: Payroll, folder: Path, *command: str, more: str = "") -> None:
        program = example("payroll_celery.py", folder)
        text = program.read_text()
        assert text.count(PERIOD) == 1
        before, made, after = text.partition("batches = ")
        program.write_text(before + more + made + after.replace(PERIOD, "every=1, time=60"))
        environment = {**paid.environment, "BROKER_URL": queue.url, "C_FORCE_ROOT": "true"}
        super().__init__(["-m", "celery", "-A", "payroll_celery", *command], folder, environment)

    def _wait_until_there(self) -> None:
        self.wait_for_one(r"celery@.* ready\.|beat: Starting")

    def begun(self, times: int = 1) -> list[int]:
        """The processes that have taken a task, when there are so many."""
        return [int(found[1]) for found in self.wait_for_one(r"pid (\d+) works", times)]


def worker(queue: Queue, paid: Payroll, folder: Path, pool: str = "prefork", more: str = "") -> Process:
    command = ["worker", "--pool", pool, "--concurrency", "2", *QUIET]
    return Process(queue, paid, folder, *command, more=more)


LATE = """
import celery.signals

app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_max_retries=None,
)


@celery.signals.task_prerun.connect
def tell(**_: object) -> None:
    print(f"pid {os.getpid()} works", flush=True)
"""


def test_beat_ticks_until_it_is_paid_and_redis_is_told_of_no_person(
    queue: Queue, paid: Payroll, folder: Path
) -> None:
    paid.start(100)
    with queue.overheard() as commands:
        beat = Process(queue, paid, folder, "beat", "--schedule", str(folder / "schedule"), "--loglevel", "INFO")
        with worker(queue, paid, folder) as works, beat:
            paid.wait_until_closed()
            assert beat.stop() in (0, -signal.SIGTERM)
            assert works.stop() == 0
            faults = [line for line in works.lines if "ERROR" in line and "no such batch" not in line]
            assert faults == []
    told = "\n".join(commands)
    # What a task is given is in there as base64.
    bodies = b"\n".join(base64.b64decode(body) for body in re.findall(r'"body\W+([\w+/=]+)', told))
    assert WORK in told and paid.id.encode() in bodies
    assert [canary for canary in paid.canaries() if canary in told.encode() + bodies] == []


def test_a_child_is_killed_a_task_comes_twice_and_redis_forgets(queue: Queue, paid: Payroll, folder: Path) -> None:
    paid.start(60)
    paid.hold_after(20)
    with worker(queue, paid, folder, more=LATE) as works:
        queue.send(WORK, paid.id, serializer="json")
        paid.wait_until_held(20)
        (child,) = works.begun()
        os.kill(child, signal.SIGKILL)
        # Another child has the same task again, as it was not acknowledged.
        works.begun(2)
        queue.kill()
        queue.start()
        paid.sandbox.release()
        paid.let_tokens_end()
        for _ in range(2):
            queue.send(WORK, paid.id, serializer="json")
        paid.wait_until(lambda status: status.count("accepted") + status.count("succeeded") == 60)
        works.stop(signal.SIGKILL)
    paid.account_for()


def test_workers_are_replaced_and_people_pause_go_on_and_cancel(queue: Queue, paid: Payroll, folder: Path) -> None:
    paid.start(60)
    paid.hold_after(20)
    queue.send(WORK, paid.id, serializer="json")
    with worker(queue, paid, folder, "solo") as first, paid.batches() as batches:
        paid.wait_until_held(20)
        first.tell(signal.SIGTERM)
        first.wait_for_one("Warm shutdown")
        paid.sandbox.release()
        assert first.stop() == 0
        assert sum(paid.executed().values()) == 24, "it stops after what is in flight"
        batches.pause(paid.id, by="siti", why="a question")
        queue.send(WORK, paid.id, serializer="json")
        with worker(queue, paid, folder, "threads") as second:
            second.wait_for_one(f"{re.escape(WORK)}.* succeeded")
            assert sum(paid.executed().values()) == 24
            batches.start(paid.id, by="siti", why="answered")
            paid.hold_after(8)
            queue.send(WORK, paid.id, serializer="json")
            paid.wait_until_held(32)
            left = batches.cancel(paid.id, by="siti", why="the wrong month")
            paid.sandbox.release()
            status = paid.wait_until(lambda status: status.due_in is None)
            assert (status.state, status.count("cancelled")) == ("cancelled", left), status
            assert second.stop() == 0
    received = [line for line in (*first.lines, *second.lines) if re.search(f"Task {re.escape(WORK)}.* received", line)]
    assert len(received) == 3, "a task enqueues none"
    executed = paid.executed()
    assert sum(executed.values()) + left == 60 and set(executed.values()) == {1}


def test_a_task_ends_when_its_time_is_over_and_the_next_goes_on(paid: Payroll) -> None:
    paid.start(120, requests_per_second=60)
    with paid.batches() as batches:
        app = Celery("payroll", broker="redis://localhost", set_as_current=False)
        work = register(app, batches, time=0.5)
        work(paid.id)
        status = batches.status(paid.id)
        assert status.state == "running" and status.count("planned") > 0, status
        while batches.status(paid.id).state == "running":
            work(paid.id)
    paid.account_for()


def test_a_task_that_cannot_end_in_time_is_refused(folder: Path, sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        with Batches(client, journal=folder / "journal", journal_key=generate_journal_key()) as batches:

            def given(broker: str, visibility: float | None = None, **known: Any) -> Any:
                app = Celery("payroll", broker=broker, set_as_current=False)
                if visibility is not None:
                    app.conf.broker_transport_options = {"visibility_timeout": visibility}
                return register(app, batches, **known)

            redis, sqs, rabbit = "redis://localhost", "sqs://", "amqp://localhost"
            accepted: list[tuple[str, int, dict[str, Any]]] = [
                (redis, 1800, {}),
                ("rediss://localhost", 1800, {"time": 1680}),
                ("redis+socket:///tmp/redis.sock", 1800, {"time": timedelta(minutes=28)}),
                (sqs, 900, {"time": 780}),
                (rabbit, 900, {"time": 780}),
                (redis, 200, {"visibility": 400, "time": 80}),
            ]
            for broker, limit, known in accepted:
                assert given(broker, **known).time_limit == limit
            refused: list[tuple[str, str, dict[str, Any]]] = [
                (redis, "time", {"time": 1681}),
                (sqs, "time", {"time": 781}),
                (rabbit, "time", {"time": 781}),
                (redis, "time", {"visibility": 300}),
                (redis, "time", {"time": 0}),
                (redis, "time", {"time": float("nan")}),
                (redis, "every", {"every": timedelta(0)}),
            ]
            for broker, field, known in refused:
                with pytest.raises(ConfigurationError) as caught:
                    given(broker, **known)
                assert caught.value.field == field, known
            beat = given(redis, ids=["refunds"], every=timedelta(seconds=30)).app.conf.beat_schedule["komopay-refunds"]
            assert (beat["schedule"], beat["args"], beat["options"]) == (30, ("refunds",), {"expires": 30})
            # Settings that came later count when a task begins.
            work = given(redis)
            work.app.conf.broker_transport_options = {"visibility_timeout": 60}
            with pytest.raises(ConfigurationError, match="visibility_timeout"):
                work("payroll-2026-11")
            work = given(redis)
            with pytest.raises(InvalidRequestError):
                work("none")
            planned = batches.plan("early", [{"id": "E-1"}], maker="maker")
            assert planned.state == "draft"
            assert work("early") is None, "it was not started"
