"""gunicorn with `--preload`: the client is made, and has paid, in the master; the workers inherit it by a fork."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from gateway import Sandbox
from program import Program, account_for, named

pytestmark = pytest.mark.process_model("gunicorn --preload")

WORKERS = {
    "sync": ["--worker-class", "sync"],
    # No worker accepts more than it has threads for.
    "gthread": ["--worker-class", "gthread", "--threads", "2", "--worker-connections", "2", "--keep-alive", "0"],
}


class Gunicorn(Program):
    """A master with two workers."""

    def __init__(self, sandbox: Sandbox, *options: str) -> None:
        plain = ["--preload", "--workers", "2", "--bind", "127.0.0.1:0", "--no-control-socket"]
        super().__init__("-m", "gunicorn", *plain, *options, "wsgi_app:application", sandbox=sandbox)
        self.port = int(self.wait_for(r"Listening at: http://127.0.0.1:(\d+)")[0])
        self.workers = {int(pid) for pid in self.wait_for(r"Booting worker with pid: (\d+)", times=2)}

    def pay(self, payout_id: str, query: str = "") -> dict[str, Any]:
        """Asks a worker to pay."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("POST", f"/{payout_id}?{query}")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (answer.status, body)
            return dict(json.loads(body))
        finally:
            connection.close()

    def worker_that_pays(self, payout_id: str) -> int:
        """The worker that has begun to."""
        return int(self.wait_for(rf"worker (\d+) pays {payout_id}$")[0])


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Those who ask; what they are told is looked at where a test expects an answer."""
    executor = ThreadPoolExecutor(8)
    yield executor
    executor.shutdown(wait=False)


@pytest.mark.parametrize("kind", WORKERS)
def test_the_client_of_the_master_pays_in_every_worker(
    kind: str, sandbox: Sandbox, threads: ThreadPoolExecutor
) -> None:
    with Gunicorn(sandbox, *WORKERS[kind]) as gunicorn:
        sandbox.fault("create_payout", "hold")
        at_once = {"sync": 2, "gthread": 4}[kind]
        ids = [f"TST-{number}" for number in range(at_once)]
        answers = [threads.submit(gunicorn.pay, payout_id) for payout_id in ids]
        # Each worker is full: all of them pay, next to the payout of the master.
        sandbox.wait_until_seen("create_payout", 1 + at_once)
        sandbox.release()
        assert {answer.result()["pid"] for answer in answers} == gunicorn.workers
        assert [answer.result()["payout_id"] for answer in answers] == ids
        account_for(["TST-MASTER", *ids], gunicorn, sandbox)


@pytest.mark.parametrize("executes", ["before the job is run again", "after the job was run again"])
def test_a_payout_of_a_killed_worker_is_paid_once_when_its_job_is_run_again(
    executes: str, sandbox: Sandbox, threads: ThreadPoolExecutor
) -> None:
    with Gunicorn(sandbox) as gunicorn:
        sandbox.fault("create_payout", "hold", {"nth": 1})
        lost = threads.submit(gunicorn.pay, "TST-KILLED")
        sandbox.wait_until_seen("create_payout", 2)
        os.kill(gunicorn.worker_that_pays("TST-KILLED"), signal.SIGKILL)
        assert isinstance(lost.exception(), (http.client.HTTPException, OSError))
        if executes.startswith("before"):
            sandbox.release()
            assert sandbox.executed("TST-KILLED") == 1
        again = gunicorn.pay("TST-KILLED", "resume")
        assert again["recovered"] == executes.startswith("before")
        sandbox.release()
        account_for(["TST-KILLED"], gunicorn, sandbox)
        # Another worker has taken its place, with the client of the master.
        gunicorn.wait_for("Booting worker with pid", times=3)


@pytest.mark.parametrize("kind", WORKERS)
def test_a_graceful_stop_waits_for_a_create_on_the_wire(
    kind: str, sandbox: Sandbox, threads: ThreadPoolExecutor
) -> None:
    with Gunicorn(sandbox, *WORKERS[kind]) as gunicorn:
        sandbox.fault("create_payout", "hold")
        answer = threads.submit(gunicorn.pay, "TST-STOPPED")
        sandbox.wait_until_seen("create_payout", 2)
        gunicorn.signal(signal.SIGTERM)
        gunicorn.wait_for("Handling signal: term")
        sandbox.release()
        assert answer.result()["payout_id"] == "TST-STOPPED"
        assert gunicorn.end() == 0
        assert sandbox.executed("TST-STOPPED") == 1


@pytest.mark.parametrize("reason", ["a quick stop", "a worker that is silent for too long"])
def test_what_ends_a_worker_in_a_create_names_the_id(
    reason: str, sandbox: Sandbox, threads: ThreadPoolExecutor
) -> None:
    with Gunicorn(sandbox, *(["--timeout", "5"] if "silent" in reason else [])) as gunicorn:
        sandbox.fault("create_payout", "hold")
        lost: Future[Any] = threads.submit(gunicorn.pay, "TST-STOPPED")
        sandbox.wait_until_seen("create_payout", 2)
        if reason == "a quick stop":
            gunicorn.signal(signal.SIGQUIT)
        gunicorn.wait_for(named("TST-STOPPED"))
        assert not lost.done() or lost.exception()
        sandbox.release()
        if reason == "a quick stop":
            assert gunicorn.end() == 0
        account_for(["TST-STOPPED"], gunicorn, sandbox)
