"""A marketplace that pays its sellers: what a seller has is taken, and the payout is intended, in one transaction of
its own database; callbacks tell how it ended, and what has failed is the seller's again. What the platform did not take
at all has no callback: `komopay batch report` shows it, and a person has it tried again, or cancels and books it back.

    $ pip install komopay[fastapi] uvicorn psycopg[binary]
    $ export MARKET_DATABASE=postgresql://...
    $ export KOMOPAY_JOURNAL=$MARKET_DATABASE
    $ export KOMOPAY_JOURNAL_KEY=$(komopay batch key) KOMOPAY_CALLBACK_KEYS=$(openssl rand -hex 32)
    $ export MARKET_URL=http://127.0.0.1:8000  # https, where the platform can reach it; the rest as in quickstart.py
    $ komopay batch open-outbox sellers --by siti --ceiling IDR=5000000/100000000
    $ komopay batch approve sellers --by budi --digest kb1:...
    $ komopay batch start sellers --by budi
    $ komopay batch work --forever &  # pays what was committed; on as many hosts as you like
    $ uvicorn marketplace_fastapi:app --port 8000
    $ curl -X POST http://127.0.0.1:8000/sellers/ayu/payouts/P-1
"""

# pyright: reportAny=false, reportUnusedCallResult=false
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg import AsyncConnection

from komopay import AsyncClient, BankAccount, BankTransfer, Money, PayoutChange, PayoutRequest, PostgresChangeStore
from komopay.batches import Outbox
from komopay.fastapi import Callbacks

DATABASE = os.environ["MARKET_DATABASE"]
# One store of changes for all hosts, in the database in which they end.
client = AsyncClient.from_env(change_store=PostgresChangeStore(DATABASE))
outbox = Outbox("sellers")

TABLES = """
CREATE TABLE IF NOT EXISTS sellers (name TEXT PRIMARY KEY, bank TEXT, account TEXT, balance NUMERIC);
CREATE TABLE IF NOT EXISTS payouts (
    payout_id TEXT PRIMARY KEY, seller TEXT, amount NUMERIC, status TEXT DEFAULT 'INTENDED', handled BIGINT DEFAULT 0
);
"""
# The guard: a change whose number is not above the last one that was handled is an old one.
CHANGE = """
UPDATE payouts SET status = %s, handled = %s WHERE payout_id = %s AND handled < %s RETURNING seller, amount
"""


async def on_change(change: PayoutChange) -> None:
    """Called for each change. What is done for it is in one transaction with its number."""
    status, number = change.payout.status, change.sequence
    async with await AsyncConnection.connect(DATABASE) as connection:
        changed = await connection.execute(CHANGE, [status, number, change.payout_id, number])
        payout = await changed.fetchone()
        # What corrects a final status is a matter for a person.
        if payout is not None and status in ("FAILED", "REFUSED") and not change.is_correction:
            seller, amount = payout
            await connection.execute("UPDATE sellers SET balance = balance + %s WHERE name = %s", [amount, seller])
    print(f"change {number} of {change.payout_id}: {status}", flush=True)


callbacks = Callbacks(client, on_change)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """Makes the tables, and handles changes as long as the application runs."""
    async with await AsyncConnection.connect(DATABASE) as connection:
        await connection.execute(TABLES)
    async with client, callbacks.lifespan(app):
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/komopay", callbacks)


@app.post("/sellers/{seller}/payouts/{payout_id}")
async def pay_out(seller: str, payout_id: str) -> str:
    """Intends to pay a seller all that it has, under an id that the caller stored: again, it is nothing new."""
    async with await AsyncConnection.connect(DATABASE) as connection:
        # Locked first, so that of two requests the second one sees what the first has done.
        found = await connection.execute("SELECT * FROM sellers WHERE name = %s FOR UPDATE", [seller])
        row = await found.fetchone()
        found = await connection.execute("SELECT status FROM payouts WHERE payout_id = %s", [payout_id])
        payout = await found.fetchone()
        if payout is not None:
            return str(payout[0])
        if row is None or not row[3]:
            raise HTTPException(404, "there is nothing to pay")
        _, bank, account, balance = row
        request = PayoutRequest(
            money=Money(balance, "IDR"),
            method=BankTransfer(operator_code=bank, account=BankAccount(name=seller, number=account)),
            callback_url=client.callback_url(os.environ["MARKET_URL"] + "/komopay", payout_id),
        )
        # --8<-- [start:outbox]
        insert = "INSERT INTO payouts (payout_id, seller, amount) VALUES (%s, %s, %s)"
        await connection.execute(insert, [payout_id, seller, balance])
        await connection.execute("UPDATE sellers SET balance = 0 WHERE name = %s", [seller])
        # Committed with the rows above, or not at all.
        await outbox.add_async(connection, payout_id, request, payout_id=payout_id)
        # --8<-- [end:outbox]
    return "INTENDED"
