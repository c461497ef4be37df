"""A program that ends while threads of its pay. Its argument says how."""

from __future__ import annotations

import asyncio
import atexit
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def say(*words: object) -> None:
    """In one piece, beside the log."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


late: list[Callable[[], object]] = []


@atexit.register
def after_ours() -> None:
    """Registered before the package was imported, it is called after the package has ended."""
    for function in late:
        function()


import logging

from salary import SALARY

from komopay import AsyncClient, Client, ClosedError, KomopayError

logging.basicConfig(format="%(levelname)s %(name)s %(message)s")


def pay(client: Client, payout_id: str) -> None:
    try:
        say("paid", client.create_payout(payout_id, SALARY).payout_id)
    except KomopayError as error:
        say(type(error).__name__, payout_id)


def in_daemon_threads() -> None:
    """Eight threads that nobody waits for are in a create when the main thread ends."""
    client = Client.from_env()
    for number in range(8):
        threading.Thread(target=pay, args=(client, f"TST-{number}"), daemon=True).start()
    sys.stdin.readline()


def in_a_loop_that_stands() -> None:
    """The loop of a thread that nobody waits for stands still, and never hears how its create ended."""
    standing = threading.Event()

    async def stand() -> None:
        client = AsyncClient.from_env(total_timeout=1, attempt_timeout=0.5)
        task = asyncio.ensure_future(client.create_payout("TST-STANDS", SALARY))
        await asyncio.sleep(0)
        standing.set()
        threading.Event().wait()
        await task

    threading.Thread(target=asyncio.run, args=(stand(),), daemon=True).start()
    standing.wait()
    sys.stdin.readline()


def in_an_executor() -> None:
    """The interpreter waits for the threads of an executor; nobody can give them more."""
    client = Client.from_env()
    executor = ThreadPoolExecutor(2)
    for number in range(2):
        executor.submit(pay, client, f"TST-{number}")

    def submit() -> None:
        try:
            executor.submit(pay, client, "TST-LATE")
        except RuntimeError as error:
            say("refused:", error)

    late.append(submit)
    sys.stdin.readline()


def used_before() -> None:
    """A call after the end, with a client that has paid."""
    client = Client.from_env()
    pay(client, "TST-1")
    late.append(lambda: pay(client, "TST-LATE"))


def never_used() -> None:
    """A call after the end, with a client that has made none."""
    client = Client.from_env()
    late.append(lambda: pay(client, "TST-LATE"))


def made_late() -> None:
    """A call after the end, with a client that is made then."""

    def make_and_pay() -> None:
        try:
            client = Client.from_env()
        except ClosedError:
            say("ClosedError TST-LATE")
        else:
            pay(client, "TST-LATE")

    late.append(make_and_pay)


def in_a_loop() -> None:
    """A call after the end from an event loop, and a close, which is none any more."""
    client = AsyncClient.from_env()

    async def pay_and_close() -> None:
        try:
            await client.create_payout("TST-LATE", SALARY)
        except ClosedError:
            say("ClosedError TST-LATE")
        await client.close()

    late.append(lambda: asyncio.run(pay_and_close()))


def left_unknown() -> None:
    """Creates after the end, one of an id of which this client remembers that nobody knows how it ended."""
    client = Client.from_env(total_timeout=3, attempt_timeout=1.5)
    looped = AsyncClient.from_env(total_timeout=3, attempt_timeout=1.5)
    pay(client, "TST-UNSETTLED")

    async def pay_in_a_loop(payout_id: str) -> None:
        try:
            await looped.create_payout(payout_id, SALARY)
        except KomopayError as error:
            say(type(error).__name__, payout_id, "in a loop")

    asyncio.run(pay_in_a_loop("TST-LOOPED"))
    late.append(lambda: pay(client, "TST-UNSETTLED"))
    late.append(lambda: asyncio.run(pay_in_a_loop("TST-LOOPED")))
    late.append(lambda: pay(client, "TST-LATE"))


def from_a_thread() -> None:
    """A call after the end, from a thread that waited for it."""
    client, has_ended = Client.from_env(), threading.Event()

    def wait_and_pay() -> None:
        has_ended.wait()
        pay(client, "TST-LATE")
        said.set()

    said = threading.Event()
    threading.Thread(target=wait_and_pay, daemon=True).start()
    late.extend((has_ended.set, said.wait))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    say("the main thread ends")
