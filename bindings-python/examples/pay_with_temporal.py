"""Hands a batch that was started over to the workers of Temporal, by its id, and waits for its end."""

import asyncio
import os

from temporalio.client import Client

import komopay.temporal


async def main() -> None:
    temporal = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    handle = await komopay.temporal.start(temporal, "payroll-2026-11", task_queue="payouts")
    print(await handle.query(komopay.temporal.BatchWorkflow.status))
    print((await handle.result()).items)


asyncio.run(main())
