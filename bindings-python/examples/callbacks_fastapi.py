"""A FastAPI application that pays, receives callbacks, and keeps the status of each order in a database.

    $ pip install komopay[fastapi] uvicorn sqlalchemy aiosqlite
    $ python -m komopay sandbox --port 8081 --control &
    $ export KOMOPAY_BASE_URL=http://127.0.0.1:8081 KOMOPAY_MERCHANT_CODE=... KOMOPAY_SECRET=...  # as the sandbox says
    $ export KOMOPAY_CALLBACK_KEYS=$(openssl rand -hex 32) SHOP_URL=http://127.0.0.1:8000
    $ uvicorn callbacks_fastapi:app --port 8000
    $ curl -X POST http://127.0.0.1:8000/pay/TST-1
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from komopay import AsyncClient, BankAccount, BankTransfer, Money, PayoutChange, PayoutRequest, SqliteChangeStore
from komopay.fastapi import Callbacks

STORE = SqliteChangeStore(os.environ.get("SHOP_CHANGES", "changes.sqlite"))
client = AsyncClient.from_env(change_store=STORE, change_lease=float(os.environ.get("SHOP_LEASE", "60")))
engine = create_async_engine(os.environ.get("SHOP_DATABASE", "sqlite+aiosqlite:///shop.sqlite"))
sessions = async_sessionmaker(engine)


class Base(DeclarativeBase):
    """What has a table."""


class Order(Base):
    """An order that is paid out, under the id of its payout."""

    __tablename__ = "orders"

    payout_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(default="NEW")
    handled: Mapped[int] = mapped_column(default=0)
    """The highest sequence of a change that was handled."""


async def on_change(change: PayoutChange) -> None:
    """Called for each change. What is done for it is in one transaction with its number: an old one undoes nothing."""
    async with sessions.begin() as session:
        order = await session.get(Order, change.payout_id, with_for_update=True)
        if order is None:
            order = Order(payout_id=change.payout_id, handled=0)
            session.add(order)
        if change.sequence <= order.handled:
            return
        order.status, order.handled = change.payout.status, change.sequence
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)


callbacks = Callbacks(client, on_change)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """Makes the table, and handles changes as long as the application runs."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with callbacks.lifespan(app):
        yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.mount("/komopay", callbacks)


@app.middleware("http")
async def note_sizes(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """A middleware that reads each body, as many do. The framework keeps it for the callbacks."""
    if int(request.headers.get("Content-Length", "0")) > 1 << 20:
        return Response(status_code=413)
    size = len(await request.body())
    response = await go_on(request)
    response.headers["X-Request-Size"] = str(size)
    return response


@app.post("/pay/{payout_id}")
async def pay(payout_id: str) -> str:
    """Makes a payout of 10,000 rupiah, whose changes are told to this application. The id is stored first."""
    async with sessions.begin() as session:
        _ = await session.merge(Order(payout_id=payout_id))
    request = PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
        callback_url=client.callback_url(os.environ["SHOP_URL"] + "/komopay", payout_id),
    )
    return (await client.create_payout(payout_id, request, resume=True)).payout_id


@app.get("/orders/{payout_id}")
async def order(payout_id: str) -> dict[str, str | int]:
    """The order as it is now."""
    async with sessions() as session:
        found = await session.get_one(Order, payout_id)
        return {"status": found.status, "handled": found.handled}
