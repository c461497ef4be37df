"""Celery with its prefork pool and Redis: the client is made in the main process, and pays in its children."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from gateway import Sandbox
from program import Program, account_for, named
from redis import Redis
from salary import SALARY

pytestmark = pytest.mark.process_model("Celery prefork")


class Queue:
    """A Redis of its own, which keeps nothing, and the tasks in it."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            missing = "redis-server is missing. Install it: apt install redis-server"
            if os.environ.get("CI"):
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)
        self._socket = folder / "redis.sock"
        settings = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no", "--dir", str(folder)]
        self._process = subprocess.Popen([program, *settings], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while "ready to accept connections" not in (line := self._process.stdout.readline()).lower():
            assert line, "Redis has ended"
        self.url = f"redis+socket://{self._socket}"
        self._app = Celery("caller", broker=self.url, set_as_current=False)

    def close(self) -> None:
        self._app.close()
        self._process.kill()
        self._process.communicate()

    def send(self, payout_id: str) -> None:
        """A task that pays."""
        self._app.send_task("pay", (payout_id, SALARY), serializer="pickle")

    def wait_until_done(self) -> None:
        """Until no task waits, and none that was taken is not done. There is no event for that, so this asks again."""
        with Redis(unix_socket_path=str(self._socket)) as redis:
            while redis.llen("celery") + redis.hlen("unacked"):
                time.sleep(0.01)


@pytest.fixture
def queue(folder: Path) -> Iterator[Queue]:
    queue = Queue(folder)
    yield queue
    queue.close()


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
            queue.send(payout_id)
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
        queue.send("TST-KILLED")
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
        queue.send("TST-STOPPED")
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
        queue.send("TST-SOFT")
        sandbox.wait_until_seen("create_payout", 2)
        # What Celery itself sends when the limit has passed.
        os.kill(worker.child_that_pays("TST-SOFT"), signal.SIGUSR1)
        worker.wait_for(named("TST-SOFT"))
        worker.wait_for("SoftTimeLimitExceeded")
        sandbox.release()
        account_for(["TST-SOFT"], worker, sandbox)
        queue.send("TST-SOFT")
        assert worker.wait_for("has paid TST-SOFT, recovered (.*)") == ["True"]
        account_for(["TST-SOFT"], worker, sandbox)
