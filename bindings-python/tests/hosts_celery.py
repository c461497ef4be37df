"""Celery on three hosts, for `cargo xtask prove engines`: the worker on one of them, and the server of all.

The server is Redis, and beat for each case that is played. What it is told and tells, `hosts_engine.py` says.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from pathlib import Path

from broker import Queue
from celery import Celery
from celery.beat import EmbeddedService
from celery.signals import worker_ready
from hosts_engine import BATCH, CASE, URL, settings, told
from programs import free_port

import komopay.celery
from komopay import Client
from komopay.batches import Batches


def work() -> None:
    app = Celery("hosts", broker=URL, set_as_current=False)
    app.conf.update(task_default_queue=CASE, worker_redirect_stdouts=False)
    batches = Batches(Client.from_env(**settings()), journal=os.environ["KOMOPAY_JOURNAL"])
    komopay.celery.register(app, batches, time=3)

    def tell(**_: object) -> None:
        print("ready", flush=True)

    worker_ready.connect(tell)
    app.worker_main(["--quiet", "worker", "--pool", "solo", "--without-gossip", "--without-mingle"])


def serve() -> None:
    beats: dict[str, EmbeddedService] = {}
    with tempfile.TemporaryDirectory() as folder:
        port, password = free_port(), secrets.token_hex()
        queue = Queue(Path(folder), port, password)
        for what, case in told(f"redis://:{password}@HOST:{port}/0"):
            if what == "begin":
                app = Celery(case, broker=f"redis://:{password}@127.0.0.1:{port}/0", set_as_current=False)
                # What `register` has it send, more often: of three hosts, each shall have a task.
                tick = {"task": komopay.celery.WORK, "args": (BATCH,), "schedule": 0.2}
                app.conf.beat_schedule = {BATCH: {**tick, "options": {"queue": case, "expires": 1}}}
                beats[case] = EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler")
                beats[case].start()
            elif what == "end":
                beats.pop(case).stop()
        queue.close()


if __name__ == "__main__":
    {"work": work, "serve": serve}[sys.argv[1]]()
