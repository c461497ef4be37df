"""A FastAPI application that pays, receives callbacks and handles each change of a payout once.

    $ python -m komopay sandbox --port 8081 --control &
    $ export KOMOPAY_BASE_URL=http://127.0.0.1:8081 KOMOPAY_MERCHANT_CODE=... KOMOPAY_SECRET=...  # as the sandbox says
    $ export KOMOPAY_CALLBACK_KEYS=$(openssl rand -hex 32) SHOP_URL=http://127.0.0.1:8000
    $ uvicorn callbacks_fastapi:app --port 8000
    $ curl -X POST http://127.0.0.1:8000/pay/TST-1
"""

import os

from fastapi import FastAPI

from komopay import AsyncClient, BankAccount, BankTransfer, Money, PayoutChange, PayoutRequest, SqliteChangeStore
from komopay.fastapi import Callbacks

STORE = SqliteChangeStore(os.environ.get("SHOP_CHANGES", "changes.sqlite"))
client = AsyncClient.from_env(change_store=STORE, change_lease=float(os.environ.get("SHOP_LEASE", "60")))


async def on_change(change: PayoutChange) -> None:
    """Called for each change: tell the customer, close the order. Ignore a sequence not above the last."""
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)


callbacks = Callbacks(client, on_change)
app = FastAPI(lifespan=callbacks.lifespan)
app.mount("/komopay", callbacks)


@app.post("/pay/{payout_id}")
async def pay(payout_id: str) -> str:
    """Makes a payout of 10,000 rupiah, whose changes are told to this application."""
    request = PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
        callback_url=client.callback_url(os.environ["SHOP_URL"] + "/komopay", payout_id),
    )
    return (await client.create_payout(payout_id, request, resume=True)).payout_id
