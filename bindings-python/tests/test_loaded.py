"""Whatever a client's calls, errors and values need of Python is loaded when the client is made.

A process may change its user, its root or what is mounted after that: it can load nothing any more, least of all in
the middle of saying how a create ended.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest
from gateway import CALLBACK_KEY, MERCHANT_CODE, SECRET, Sandbox
from test_codes import found

BEFORE = """
import pickle, sys
import komopay
well, refusing, losing, code, secret, key = sys.argv[1:]
short = {"total_timeout": 3, "attempt_timeout": 1.5, "settle_window": 0.1}

def provide():
    return scoped.expose()

def made(of):
    urls = {"well": well, "refusing": refusing, "losing": losing}
    settings = {"merchant_code": code, "secret": secret, "callback_keys": [key]}
    return {name: of(base_url=url, change_store=komopay.MemoryChangeStore(), **settings,
                     **(short if name == "losing" else {})) for name, url in urls.items()}

class Fence:
    asked = []

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.asked.append(name)
        raise ImportError(f"{name} cannot be loaded any more")

def rebuilt(value):
    assert pickle.loads(pickle.dumps(value)) == value, value
    if hasattr(value, "to_dict"):
        of = type(value)
        assert of.from_dict(value.to_dict(include_personal=True)) == value
        assert of.from_json(value.to_json(include_personal=True)) == value
        assert value.replace() == value
    assert repr(value) and hash(value) is not None
    return value

def told(error):
    assert error.kind and error.kind.is_known and str(error) and repr(error), error
    again = type(error).from_json(error.to_json())
    assert again.to_dict() == error.to_dict() == type(error).from_dict(error.to_dict()).to_dict()
    assert pickle.loads(pickle.dumps(error)).to_dict() == error.to_dict()
    print(error.kind, error.money_may_have_moved, error.concerns)

def request():
    return komopay.PayoutRequest(money=komopay.Money("10000", "IDR"), method=komopay.BankTransfer(
        operator_code="BNK_000", account=komopay.BankAccount(name="Test account", number="11223344")))

def values():
    ten = komopay.Money("10.50", "USD") + komopay.Money(2, "USD")
    assert ten == komopay.Money(ten.amount, "USD") and sum([ten, ten]) > ten >= -(-ten)
    rebuilt(ten)
    rebuilt(request())
    assert all(getattr(komopay, name) for name in komopay.__all__ if name != "AsyncClient")
    assert len(request().fingerprint(b"a key of my own, kept like a password")) == 64
    for codes in (komopay.PayoutStatus, komopay.MethodCode, komopay.FailureCode, komopay.ErrorKind, komopay.Concern,
                  komopay.PaymentTypeCode):
        for code in codes:
            rebuilt(code)
        assert not codes("NEW").is_known
    for read in (komopay.Payout.from_json, komopay.Balance.from_json, komopay.KomopayError.from_json):
        try:
            read("{}")
        except komopay.KomopayError as error:
            told(error)
"""

BLOCKING = """
def paid(client, id, **more):
    try:
        rebuilt(client.create_payout(id, request(), **more))
    except komopay.KomopayError as error:
        told(error)

client = made(komopay.Client)
scoped = client["well"].issue_token(komopay.AccessScope.payout("A-3", komopay.Money("10000", "IDR")), validity=600)
provided = komopay.Client(base_url=well, token=provide)
sys.meta_path.insert(0, Fence)
values()
paid(client["well"], "A-1")
paid(client["well"], "A-1", resume=True)
paid(client["well"], "A-1")
paid(client["refusing"], "A-1")
paid(client["losing"], "A-1")
paid(provided, "A-3")
well = client["well"]
rebuilt(well.wait_for_payout("A-1", timeout=60))
rebuilt(well.get_payout("A-1"))
for waited in well.wait_for_payouts(["A-1", "A-2"], timeout=0.5):
    rebuilt(waited.payout) if waited.error is None else told(waited.error)
    assert repr(waited)
try:
    well.get_payout("A-2")
except komopay.KomopayError as error:
    told(error)
for balance in well.balances(["IDR"]):
    rebuilt(balance)
well.segments(), well.currencies(), rebuilt(well.payment_operators()[0]), rebuilt(well.merchant_info())
rebuilt(well.payout_options(komopay.Money("10000", "IDR"))[0])
rebuilt(well.payment_options(type_code="PAYOUT")[0])
assert well.settings["total_timeout"] and repr(well)
try:
    well.read_callback(b"{}", "/hook")
except komopay.KomopayError as error:
    told(error)
well.take_changes()
with well.with_options(total_timeout=30, headers={"X-Job": "1"}) as other:
    other.currencies()
print("asked for", *Fence.asked)
"""

LOOPED = """
import asyncio
from komopay import AsyncClient

async def paid(client, id, **more):
    try:
        rebuilt(await client.create_payout(id, request(), **more))
    except komopay.KomopayError as error:
        told(error)

async def main():
    client = made(AsyncClient)
    well = client["well"]
    scope = komopay.AccessScope.payout("A-3", komopay.Money("10000", "IDR"))
    global scoped
    scoped = await well.issue_token(scope, validity=600)
    provided = AsyncClient(base_url=well_url, token=provide)
    sys.meta_path.insert(0, Fence)
    values()
    await paid(well, "A-1")
    await paid(well, "A-1", resume=True)
    await paid(well, "A-1")
    await paid(client["refusing"], "A-1")
    await paid(client["losing"], "A-1")
    await paid(provided, "A-3")
    rebuilt(await well.wait_for_payout("A-1", timeout=60))
    rebuilt(await well.get_payout("A-1"))
    async for waited in well.wait_for_payouts(["A-1", "A-2"], timeout=0.5):
        rebuilt(waited.payout) if waited.error is None else told(waited.error)
    try:
        await well.get_payout("A-2")
    except komopay.KomopayError as error:
        told(error)
    for balance in await well.balances(["IDR"]):
        rebuilt(balance)
    rebuilt(await well.merchant_info())
    rebuilt((await well.payout_options(komopay.Money("10000", "IDR")))[0])
    cancelled = asyncio.ensure_future(well.create_payout("A-9", request()))
    await asyncio.sleep(0)
    cancelled.cancel()
    async with well:
        await asyncio.gather(cancelled, return_exceptions=True)

well_url = well
asyncio.run(main())
print("asked for", *Fence.asked)
"""


@pytest.mark.parametrize("calls", [BLOCKING, LOOPED], ids=["Client", "AsyncClient"])
def test_a_client_that_is_made_needs_nothing_more_to_be_loaded(calls: str) -> None:
    with ExitStack() as stack:
        well, refusing, losing = (stack.enter_context(Sandbox()) for _ in range(3))
        refusing.fault("create_payout", "rejected", code="BALANCE_INSUFFICIENT", uses_id_up=False)
        losing.fault("create_payout", "execute_then_close")
        losing.fault("get_payout", "status", status=503)
        urls = [each.url for each in (well, refusing, losing)]
        # Without site packages, which load more than a program may have loaded.
        command = [sys.executable, "-S", "-c", BEFORE + calls, *urls, MERCHANT_CODE, SECRET, CALLBACK_KEY]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, env=found())
        assert run.returncode == 0 and not run.stderr.count("cannot be loaded"), run.stdout + run.stderr
        *said, asked = run.stdout.splitlines()
        assert asked == "asked for"
        kinds = [line.split()[0] for line in said]
        assert {"duplicate_payout", "rejected", "outcome_unknown", "not_found", "invalid_request"} <= set(kinds), said
        assert well.executed("A-1") == well.executed("A-3") == losing.executed("A-1") == 1
        assert refusing.executed("A-1") == 0
