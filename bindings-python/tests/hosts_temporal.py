"""Temporal on three hosts, for `cargo xtask prove engines`: the worker on one of them, and the server of all.

Each case has three workflows for its batch, and each host works for one of them at a time. What the server is told and
tells, `hosts_engine.py` says.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hosts_engine import BATCH, CASE, URL, settings, told
from temporal_server import Temporal, jars
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError
from temporalio.worker import Worker

import komopay.temporal
from komopay import AsyncClient
from komopay.batches import AsyncBatches
from komopay.temporal import BatchWorkflow

HOSTS = 3


async def work() -> None:
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    temporal = await Client.connect(URL)
    async with AsyncClient.from_env(**settings()) as client:
        async with AsyncBatches(client, journal=os.environ["KOMOPAY_JOURNAL"]) as batches:
            async with Worker(
                temporal,
                task_queue=CASE,
                workflows=[BatchWorkflow],
                activities=komopay.temporal.activities(batches, time=3),
                # Of three workflows, each host has one.
                max_concurrent_activities=1,
                # The server never takes a workflow back from a worker that had it in its cache and is gone.
                max_cached_workflows=0,
                graceful_shutdown_timeout=timedelta(minutes=2),
            ):
                print("ready", flush=True)
                await asked_to_end.wait()
    # All is done, and its threads may abort the interpreter from here on (sdk-python#300).
    os._exit(0)


async def serve() -> None:
    with tempfile.TemporaryDirectory() as folder, Temporal(jars(Path(folder))) as server:
        client = await server.client()
        for what, case in told(server.address.replace("127.0.0.1", "HOST")):
            for each in [f"{case}-{number}" for number in range(HOSTS)]:
                # The journal's clock is not the server's, whose timers wait: a workflow that begins anew looks at once.
                # A signal would be news for the one that there is, and may come as its timer ends, after which this
                # server never has anything done for it again (sdk-java#3088).
                if what in ("look", "end"):
                    await end(client, each)
                if what in ("look", "begin"):
                    await begin(client, each, case)


async def begin(client: Client, workflow: str, case: str) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            await client.start_workflow(
                BatchWorkflow.run,
                BATCH,
                id=workflow,
                task_queue=case,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            return
        except RPCError as error:
            # A server that this machine leaves no time for loses connections.
            if time.monotonic() >= until:
                raise
            print(f"again, after: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.1)


async def end(client: Client, workflow: str) -> None:
    # It has ended by itself, or the connection was lost: then the next look does it.
    with suppress(RPCError):
        await client.get_workflow_handle(workflow).terminate()


if __name__ == "__main__":
    asyncio.run({"work": work, "serve": serve}[sys.argv[1]]())
