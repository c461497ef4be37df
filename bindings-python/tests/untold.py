"""Programs that fork without Python being told of it, as uWSGI's master and C extensions do. Started by test_untold_forks.py.

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
    """Forks again and again while threads of the parent read, and wait in queues.

    None of them logs: the locks of Python's own `logging` are freed by its hooks, which do not run either. Nor does a child end
    in order, which waits for what Python's threads had.
    """
    client = Client.from_env(**SHORT)
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            client.currencies()

    def read_in_a_loop() -> None:
        async def reads() -> None:
            async with AsyncClient.from_env(**SHORT) as looped:
                while not is_over.is_set():
                    await asyncio.gather(*(looped.currencies() for _ in range(4)))

        asyncio.run(reads())

    threads = [threading.Thread(target=work, daemon=True) for work in (read, read, read_in_a_loop)]
    for thread in threads:
        thread.start()

    def child() -> None:
        print("child", client.currencies(), flush=True)
        os._exit(0)

    for _ in range(20):
        fork(child)
    is_over.set()
    for thread in threads:
        thread.join()


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

    def child() -> None:
        changes.start()
        print("child", [thread.name for thread in threading.enumerate() if thread not in parents], flush=True)
        changes.close()

    fork(child)
    changes.close()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
