"""A program with one AsyncClient and several event loops."""

from __future__ import annotations

import asyncio
import sys
import threading

import nest_asyncio2
from salary import SALARY

from komopay import AsyncClient


async def pay(client: AsyncClient, payout_id: str) -> None:
    accepted = await client.create_payout(payout_id, SALARY)
    sys.stdout.write(f"paid {accepted.payout_id}\n")


async def pay_in_the_loop_that_runs(client: AsyncClient, payout_id: str) -> None:
    """Code without `await`, called by code of a loop."""
    asyncio.get_running_loop().run_until_complete(pay(client, payout_id))


def main() -> None:
    client = AsyncClient.from_env()
    for number in (1, 2):
        asyncio.run(pay(client, f"TST-{number}"))
    threads = [threading.Thread(target=asyncio.run, args=(pay(client, f"TST-{number}"),)) for number in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    nest_asyncio2.apply()
    asyncio.run(pay_in_the_loop_that_runs(client, "TST-5"))
    asyncio.run(client.close())


if __name__ == "__main__":
    main()
