"""Pays in a child and a grandchild, while a create of its own is on the wire. Started by test_process.py."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from typing import Any

from komopay import BankAccount, BankTransfer, Client, Money, PayoutRequest

REQUEST = PayoutRequest(
    money=Money("10000", "IDR"),
    method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
)

inherited: Client | None = None
"""The parent's client; a child that was not forked has none."""


def pay(who: str) -> None:
    client = inherited or Client.from_env()
    client.create_payout(f"TST-{who.upper()}", REQUEST)
    print(who, client.wait_for_payout(f"TST-{who.upper()}", timeout=60).status, flush=True)


def child(method: str) -> None:
    pay("child")
    run(method, pay, "grandchild")


def run(method: str, function: object, argument: str) -> None:
    assert callable(function)
    if method == "os.fork":
        process = os.fork()
        if process == 0:
            function(argument)
            sys.stdout.flush()
            sys.exit(0)
        assert os.waitpid(process, 0)[1] == 0
    else:
        context: Any = multiprocessing.get_context(method)
        started = context.Process(target=function, args=(argument,))
        started.start()
        started.join()
        assert started.exitcode == 0, started.exitcode


def main() -> None:
    global inherited
    inherited = client = Client.from_env()
    made: list[str] = []
    payer = threading.Thread(target=lambda: made.append(client.create_payout("TST-PARENT", REQUEST).payout_id))
    payer.start()
    sys.stdin.readline()
    run(sys.argv[1], child, sys.argv[1])
    payer.join()
    print("parent", *made)


if __name__ == "__main__":
    main()
