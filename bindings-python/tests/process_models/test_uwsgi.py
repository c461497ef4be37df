"""uWSGI: the client is made, and has paid, in the master, which forks its workers without telling Python."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gateway import Sandbox
from program import Program, account_for

pytestmark = pytest.mark.process_model("uWSGI, with a master")

WORKERS = {"plain": [], "threads": ["--enable-threads", "--threads", "2"]}


class Uwsgi(Program):
    """A master with two workers."""

    command = (str(Path(sys.executable).with_name("uwsgi")),)

    def __init__(self, sandbox: Sandbox, *options: str) -> None:
        plain = ["--master", "--processes", "2", "--http-socket", "127.0.0.1:0", "--home", sys.prefix]
        app = ["--wsgi-file", "wsgi_app.py", "--need-app", "--die-on-term"]
        super().__init__(*plain, *app, *options, sandbox=sandbox)
        self.port = int(self.wait_for(r"bound to TCP address 127\.0\.0\.1:(\d+)")[0])
        self.workers = {int(pid) for pid in self.wait_for(r"spawned uWSGI worker \d \(pid: (\d+)", times=2)}

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

    def stop(self) -> None:
        """Ends it as an init system does, and looks how."""
        self.signal(signal.SIGTERM)
        assert self.end() == 0, self.said
        assert "panicked" not in self.said and "Traceback" not in self.said, self.said


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Those who ask; what they are told is looked at where a test expects an answer."""
    executor = ThreadPoolExecutor(8)
    yield executor
    executor.shutdown(wait=False)


@pytest.mark.parametrize("kind", WORKERS)
def test_the_client_of_the_master_pays_in_every_worker_and_all_end_in_order(
    kind: str, sandbox: Sandbox, threads: ThreadPoolExecutor
) -> None:
    with Uwsgi(sandbox, *WORKERS[kind]) as uwsgi:
        sandbox.fault("create_payout", "hold")
        at_once = {"plain": 2, "threads": 4}[kind]
        ids = [f"TST-{number}" for number in range(at_once)]
        answers = [threads.submit(uwsgi.pay, payout_id) for payout_id in ids]
        # Each worker is full: all of them pay, next to the payout of the master.
        sandbox.wait_until_seen("create_payout", 1 + at_once)
        sandbox.release()
        assert {answer.result()["pid"] for answer in answers} == uwsgi.workers
        assert [answer.result()["payout_id"] for answer in answers] == ids
        account_for(["TST-MASTER", *ids], uwsgi, sandbox)
        uwsgi.stop()


def test_workers_that_never_paid_end_in_order(sandbox: Sandbox) -> None:
    with Uwsgi(sandbox) as uwsgi:
        # A worker that has only just been forked does not hear of a stop yet.
        answered = set[int]()
        while answered != uwsgi.workers:
            answered.add(uwsgi.pay("")["pid"])
        uwsgi.stop()


@pytest.mark.parametrize("executes", ["before the job is run again", "after the job was run again"])
def test_a_payout_of_a_killed_worker_is_paid_once_when_its_job_is_run_again(
    executes: str, sandbox: Sandbox, threads: ThreadPoolExecutor
) -> None:
    with Uwsgi(sandbox) as uwsgi:
        sandbox.fault("create_payout", "hold", {"nth": 1})
        lost = threads.submit(uwsgi.pay, "TST-KILLED")
        sandbox.wait_until_seen("create_payout", 2)
        os.kill(int(uwsgi.wait_for(r"worker (\d+) pays TST-KILLED$")[0]), signal.SIGKILL)
        assert isinstance(lost.exception(), (http.client.HTTPException, OSError))
        if executes.startswith("before"):
            sandbox.release()
            assert sandbox.executed("TST-KILLED") == 1
        again = uwsgi.pay("TST-KILLED", "resume")
        assert again["recovered"] == executes.startswith("before")
        sandbox.release()
        account_for(["TST-KILLED"], uwsgi, sandbox)
        # Another worker has taken its place, with the client of the master.
        uwsgi.wait_for("Respawned uWSGI worker")
