"""Celery with its prefork pool and Redis: the client is made in the main process, and pays in its children."""

from __future__ import annotations

import os
import signal

import pytest
from broker import Queue
from gateway import Sandbox
from program import Program, account_for, named
from salary import SALARY

pytestmark = pytest.mark.process_model("Celery prefork")


class Worker(Program):
    """A worker with two children."""

    def __init__(self, sandbox: Sandbox, queue: Queue) -> None:
        arguments = ["-A", "celery_app", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        # Otherwise it warns root.
        super().__init__("-m", "celery", *arguments, *quiet, sandbox=sandbox, BROKER=queue.url, C_FORCE_ROOT="true")

    def child_that_pays(self, payout_id: str) -> int:
        """The child that has begun to."""
        return int(self.wait_for(rf"child (\d+) pays {payout_id}$")[-1])


def test_the_client_of_the_main_process_pays_in_every_child(sandbox: Sandbox, queue: Queue) -> None:
    with Worker(sandbox, queue) as worker:
        worker.wait_for(r"celery@.* ready\.$")
        sandbox.fault("create_payout", "hold")
        for payout_id in ("TST-1", "TST-2"):
            queue.send("pay", payout_id, SALARY)
        sandbox.wait_until_seen("create_payout", 3)
        assert len({worker.child_that_pays("TST-1"), worker.child_that_pays("TST-2"), worker.pid}) == 3
        sandbox.release()
        worker.wait_for("has paid", times=2)
        account_for(["TST-MASTER", "TST-1", "TST-2"], worker, sandbox)


@pytest.mark.parametrize("executes", ["before the task is delivered again", "after the task was delivered again"])
def test_a_task_whose_child_was_killed_is_delivered_again_and_pays_once(
    executes: str, sandbox: Sandbox, queue: Queue
) -> None:
    with Worker(sandbox, queue) as worker:
        worker.wait_for(r"celery@.* ready\.$")
        sandbox.fault("create_payout", "hold", {"nth": 1})
        is_before = executes.startswith("before")
        if is_before:
            # What the second delivery reads first does not come before the release.
            sandbox.fault("get_payout", "hold", {"nth": 2})
        queue.send("pay", "TST-KILLED", SALARY)
        sandbox.wait_until_seen("create_payout", 2)
        killed = worker.child_that_pays("TST-KILLED")
        os.kill(killed, signal.SIGKILL)
        if is_before:
            sandbox.wait_until_seen("get_payout", 2)
            sandbox.release()
        assert worker.wait_for("has paid TST-KILLED, recovered (.*)") == [str(is_before)]
        assert worker.child_that_pays("TST-KILLED") != killed
        sandbox.release()
        account_for(["TST-KILLED"], worker, sandbox)
        queue.wait_until_done()


def test_a_warm_shutdown_waits_for_a_create_on_the_wire(sandbox: Sandbox, queue: Queue) -> None:
    with Worker(sandbox, queue) as worker:
        worker.wait_for(r"celery@.* ready\.$")
        sandbox.fault("create_payout", "hold")
        queue.send("pay", "TST-STOPPED", SALARY)
        sandbox.wait_until_seen("create_payout", 2)
        worker.signal(signal.SIGTERM)
        worker.wait_for("Warm shutdown")
        sandbox.release()
        assert worker.end() == 0
        account_for(["TST-STOPPED"], worker, sandbox)
        assert "has paid TST-STOPPED" in worker.said
        queue.wait_until_done()


def test_a_soft_time_limit_in_a_create_names_the_id(sandbox: Sandbox, queue: Queue) -> None:
    with Worker(sandbox, queue) as worker:
        worker.wait_for(r"celery@.* ready\.$")
        sandbox.fault("create_payout", "hold")
        queue.send("pay", "TST-SOFT", SALARY)
        sandbox.wait_until_seen("create_payout", 2)
        # What Celery itself sends when the limit has passed.
        os.kill(worker.child_that_pays("TST-SOFT"), signal.SIGUSR1)
        worker.wait_for(named("TST-SOFT"))
        worker.wait_for("SoftTimeLimitExceeded")
        sandbox.release()
        account_for(["TST-SOFT"], worker, sandbox)
        queue.send("pay", "TST-SOFT", SALARY)
        assert worker.wait_for("has paid TST-SOFT, recovered (.*)") == ["True"]
        account_for(["TST-SOFT"], worker, sandbox)
