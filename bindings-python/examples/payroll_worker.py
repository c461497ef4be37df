"""A worker of batches on Temporal, on as many machines as you like. SIGTERM ends it after what is in flight."""

# pyright: reportUnusedCallResult=false
import asyncio
import os
import signal
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

import komopay.temporal
from komopay import AsyncClient
from komopay.batches import AsyncBatches


async def main() -> None:
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    temporal = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    async with AsyncClient.from_env() as client:
        async with AsyncBatches(client, journal=os.environ["KOMOPAY_JOURNAL"]) as batches:
            async with Worker(
                temporal,
                task_queue="payouts",
                workflows=[komopay.temporal.BatchWorkflow],
                activities=komopay.temporal.activities(batches),
                graceful_shutdown_timeout=timedelta(minutes=2),
            ):
                print("ready", flush=True)
                await asked_to_end.wait()


asyncio.run(main())
