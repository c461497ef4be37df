"""Where no thread can be started, a first create says that nothing was sent, and a resumed one that nobody knows."""

from __future__ import annotations

import subprocess
import sys

from gateway import MERCHANT_CODE, SECRET, Sandbox

PROGRAM = """
import asyncio, logging, os, resource, sys
from komopay import AsyncClient, BankAccount, BankTransfer, Client, KomopayError, Money, PayoutRequest, errors
url, code, secret = sys.argv[1:]
request = PayoutRequest(money=Money("10000", "IDR"), method=BankTransfer(
    operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")))
client = Client(merchant_code=code, secret=secret, base_url=url)
looped = AsyncClient(merchant_code=code, secret=secret, base_url=url)

async def pay(resume):
    await looped.create_payout("A-1", request, resume=resume)

def tell(call):
    try:
        call()
        print("paid")
    except KomopayError as error:
        print(error.kind, error.money_may_have_moved, error.payout_id, error)

# The limit is none for root.
if os.geteuid() == 0:
    os.setuid(65534)
before = resource.getrlimit(resource.RLIMIT_NPROC)
resource.setrlimit(resource.RLIMIT_NPROC, (1, before[1]))
for resume in (False, True):
    tell(lambda: client.create_payout("A-1", request, resume=resume))
    tell(lambda: asyncio.run(pay(resume)))
# Later there are some.
resource.setrlimit(resource.RLIMIT_NPROC, before)
tell(lambda: client.create_payout("A-1", request))
"""


def test_a_create_without_threads_was_not_sent_unless_an_earlier_one_may_have_been(sandbox: Sandbox) -> None:
    command = [sys.executable, "-c", PROGRAM, sandbox.url, MERCHANT_CODE, SECRET]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and "panicked" not in run.stderr, run.stderr
    *told, last = run.stdout.splitlines()
    for line in told[:2]:
        assert line.startswith("internal False A-1 payout A-1 was not sent: the background threads"), line
    for line in told[2:]:
        assert line.startswith("outcome_unknown True A-1 payout A-1 may have been made: the background threads"), line
    assert len(told) == 4 and last == "paid"
    assert sandbox.executed("A-1") == 1
