"""Programs that fork without telling Python, as uWSGI's master and C extensions do. See test_untold_forks.py.

Their threads are daemons: for others Python itself would wait at the end of the child, which has none of them.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TypedDict

from komopay import (
    AsyncClient,
    BankAccount,
    BankTransfer,
    Client,
    KomopayError,
    MemoryChangeStore,
    Money,
    PayoutRequest,
    SqliteChangeStore,
)
from komopay.changes import ChangeWorker

logging.basicConfig(format="%(levelname)s %(name)s %(message)s")

REQUEST = PayoutRequest(
    money=Money("10000", "IDR"),
    method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
)


class _Times(TypedDict):
    total_timeout: float
    attempt_timeout: float


class _Polls(TypedDict):
    backoff_base: float
    backoff_cap: float
    settle_window: float


SHORT: _Times = {"total_timeout": 20.0, "attempt_timeout": 10.0}


def fork(child: Callable[[], None]) -> None:
    """Runs this in a child of a C-level fork, which ends as a program does, and must end so."""
    sys.stdout.flush()
    process = ctypes.PyDLL(None).fork()
    if process == 0:
        # Whoever hangs is ended, and seen.
        signal.alarm(30)
        child()
        sys.exit(0)
    status = os.waitpid(process, 0)[1]
    print("child ended", status, flush=True)


def until_it_waits(thread: threading.Thread) -> None:
    """Until it waits for something else than the GIL: see `among_busy_threads`."""
    before = None
    while True:
        frame = sys._current_frames()[thread.ident or 0]
        now = (frame.f_code.co_name, frame.f_lasti)
        if now == before and frame.f_code.co_name == "wait":
            return
        before = now
        # Whoever wants the GIL has it meanwhile.
        time.sleep(0.01)


def pays() -> None:
    """The client has paid in the parent, and a create of the parent is on the wire."""
    client = Client.from_env(**SHORT)
    client.currencies()
    payer = threading.Thread(target=client.create_payout, args=("TST-PARENT", REQUEST), daemon=True)
    payer.start()
    sys.stdin.readline()

    def child() -> None:
        print("child", client.create_payout("TST-CHILD", REQUEST).payout_id, flush=True)
        fork(grandchild)

    def grandchild() -> None:
        print("grandchild", client.create_payout("TST-GRANDCHILD", REQUEST).payout_id, flush=True)

    fork(child)
    payer.join()
    client.close()


def pays_in_a_loop() -> None:
    """The same with an event loop of the child's."""
    client = AsyncClient.from_env(**SHORT)
    asyncio.run(client.currencies())
    # Meanwhile the thread that took the result to the loop goes back to waiting: a thread that waits for the GIL in a
    # fork leaves its place in line to the child, where nobody ever takes it (see `among_busy_threads`).
    with Client.from_env(**SHORT) as other:
        other.currencies()

    async def pay() -> None:
        print("child", (await client.create_payout("TST-CHILD", REQUEST)).payout_id, flush=True)
        await client.close()

    fork(lambda: asyncio.run(pay()))


def does_nothing() -> None:
    """A child that only ends, while a create of the parent is on the wire."""
    client = Client.from_env(**SHORT)
    payer = threading.Thread(target=client.create_payout, args=("TST-PARENT", REQUEST), daemon=True)
    payer.start()
    sys.stdin.readline()
    fork(lambda: None)
    payer.join()


def leaves_a_create() -> None:
    """A child that ends with a create of its own on the wire."""
    client = Client.from_env(**SHORT)
    client.currencies()

    def child() -> None:
        threading.Thread(target=client.create_payout, args=("TST-LEFT", REQUEST), daemon=True).start()
        sys.stdin.readline()

    fork(child)


def among_busy_threads() -> None:
    """Forks again and again while the runtime's threads of the parent read.

    No thread of Python's is busy: CPython lets a child have the GIL only if nobody waits for it in the fork, or if
    Python is told. (The condition of its lock counts those who wait, and in the child they never leave.) So what is
    at work are calls of an event loop, which go on without the GIL. Nothing logs: the locks of Python's own `logging`
    are freed by its hooks, which do not run either. Nor does a child end in order, which waits for what Python's
    threads had.
    """
    client = Client.from_env(**SHORT)
    are_under_way = threading.Event()
    is_over = asyncio.Event()

    async def read() -> None:
        # Of payouts that are not there: asked for again and again, for as long as a read may lag behind its create.
        settings: _Polls = {"backoff_base": 0.001, "backoff_cap": 0.002, "settle_window": 60.0}
        async with AsyncClient.from_env(**SHORT, **settings) as looped:
            reads = [asyncio.create_task(looped.wait_for_payout(f"TST-{number}", timeout=60)) for number in range(8)]
            await looped.currencies()
            are_under_way.set()
            await is_over.wait()
            for task in reads:
                task.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(read(),), daemon=True)
    thread.start()
    assert are_under_way.wait(30)

    def child() -> None:
        print("child", client.currencies(), flush=True)
        os._exit(0)

    for _ in range(20):
        fork(child)
    loop.call_soon_threadsafe(is_over.set)
    thread.join()
    loop.close()


def made_store() -> None:
    """A store that was made before the fork, and not used: each process has its own connection."""
    store = SqliteChangeStore(os.environ["STORE"])
    client = Client.from_env(change_store=store, **SHORT)
    fork(lambda: print("child", client.take_changes(), flush=True))
    print("parent", client.take_changes(), flush=True)


def used_store() -> None:
    """A store that was used before the fork: SQLite must not be used in the child."""
    client = Client.from_env(change_store=SqliteChangeStore(os.environ["STORE"]), **SHORT)
    client.take_changes()

    def child() -> None:
        try:
            client.take_changes()
        except KomopayError as error:
            print("child", error.kind, error.field, error, flush=True)

    fork(child)
    print("parent", client.take_changes(), flush=True)


def worker() -> None:
    """A worker of changes that runs in the parent starts its own thread in the child."""
    client = Client.from_env(change_store=MemoryChangeStore(), **SHORT)
    changes = ChangeWorker(client, print)
    changes.start()
    # Python lists them in the child, too, where none of them is.
    parents = threading.enumerate()
    for thread in parents:
        if thread is not threading.current_thread():
            until_it_waits(thread)

    def child() -> None:
        changes.start()
        print("child", [thread.name for thread in threading.enumerate() if thread not in parents], flush=True)
        changes.close()

    fork(child)
    changes.close()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
