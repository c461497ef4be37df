"""An outbox: payouts that are intended in the application's own transaction, in PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest
import sqlalchemy
from conftest import documented_request
from gateway import Sandbox
from psycopg.rows import dict_row, namedtuple_row, scalar_row
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from test_batches import executed

from komopay import Client, ConfigurationError, InvalidRequestError, Money
from komopay.batches import Batches, Outbox, generate_journal_key

KEY = generate_journal_key()
CEILINGS = {"IDR": (20_000, 100_000)}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(processing_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def batches(client: Client, database: str) -> Iterator[Batches]:
    with Batches(client, journal=database, journal_key=KEY) as batches:
        digest = batches.open_outbox("refunds", maker="maker", ceilings=CEILINGS)
        batches.approve("refunds", by="approver", digest=digest)
        batches.start("refunds", by="operator")
        yield batches


def drive(batches: Batches) -> None:
    for _ in range(20):
        status = batches.drive("refunds", 5)
        if not status.count("planned") and not status.count("in_doubt"):
            return


def test_the_order_and_its_payout_are_committed_together_or_not_at_all(
    sandbox: Sandbox, batches: Batches, database: str
) -> None:
    outbox, request = Outbox("refunds", journal_key=KEY), documented_request()
    ids: dict[str, str] = {}
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE orders (number TEXT PRIMARY KEY)")
        connection.commit()
        for number, is_kept in [("O-1", True), ("O-2", False), ("O-3", True)]:
            connection.execute("INSERT INTO orders VALUES (%s)", [number])
            ids[number] = outbox.add(connection, number, request)
            connection.commit() if is_kept else connection.rollback()
        assert outbox.add(connection, "O-1", request) == ids["O-1"], "the same again adds nothing"
        with pytest.raises(InvalidRequestError) as caught:
            outbox.add(connection, "O-1", request.replace(money=Money(11_000, "IDR")))
        assert caught.value.field == "key"
        with pytest.raises(InvalidRequestError) as caught:
            outbox.add(connection, "O-4", request.replace(money=Money(0, "IDR")))
        assert caught.value.field == "money.amount"
        assert outbox.add(connection, "O-5", request, payout_id="REFUND-5") == "REFUND-5"
        connection.commit()
        rows: list[Any] = connection.execute("SELECT * FROM komopay.outbox").fetchall()
        assert "11223344" not in repr(rows) and b"11223344" not in b"".join(bytes(row[9]) for row in rows)
    drive(batches)
    assert executed(sandbox) == {ids["O-1"]: 1, ids["O-3"]: 1, "REFUND-5": 1}
    assert batches.status("refunds").items == 3
    items = list(batches.items("refunds"))
    assert [(item.key, item.payout_id) for item in items] == [
        ("O-1", ids["O-1"]),
        ("O-3", ids["O-3"]),
        ("O-5", "REFUND-5"),
    ]
    assert len(list(batches.items("refunds", state=items[0].state))) >= 1
    assert list(batches.items("refunds", state="needs_person")) == []


def test_an_sqlalchemy_session_adds_in_its_own_transaction(sandbox: Sandbox, batches: Batches, database: str) -> None:
    engine = sqlalchemy.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    outbox = Outbox("refunds", journal_key=KEY)
    for number, is_kept in [("O-1", True), ("O-2", False)]:
        with Session(engine) as session:
            outbox.add(session.connection().connection, number, documented_request())
            session.commit() if is_kept else session.rollback()
    engine.dispose()
    drive(batches)
    assert sum(executed(sandbox).values()) == 1


def test_an_sqlalchemy_session_or_connection_itself_will_do(
    sandbox: Sandbox, batches: Batches, database: str
) -> None:
    outbox = Outbox("refunds", journal_key=KEY)
    for driver in ("psycopg", "pg8000"):
        engine = sqlalchemy.create_engine(database.replace("postgresql://", f"postgresql+{driver}://"))
        for number, is_kept in [(f"{driver}-1", True), (f"{driver}-2", False)]:
            with Session(engine) as session:
                ids = {outbox.add(session, number, documented_request()) for _ in range(2)}
                assert len(ids) == 1, "the same again adds nothing"
                session.commit() if is_kept else session.rollback()
        with engine.connect() as connection:
            outbox.add(connection, f"{driver}-3", documented_request())
            connection.commit()
            with pytest.raises(InvalidRequestError, match="was added before, with another request"):
                outbox.add(connection, f"{driver}-3", documented_request("11223345"))
        engine.dispose()
    drive(batches)
    assert sum(executed(sandbox).values()) == 4


def test_another_driver_is_spoken_to_in_its_own_paramstyle(sandbox: Sandbox, batches: Batches, database: str) -> None:
    import pg8000.dbapi

    outbox, url = Outbox("refunds", journal_key=KEY), urlsplit(database)
    connection = pg8000.dbapi.connect(
        "owner", host=url.hostname or "", port=url.port or 0, database=url.path[1:], password=None
    )
    for number, is_kept in [("O-1", True), ("O-2", False)]:
        assert outbox.add(connection, number, documented_request()) == outbox.add(
            connection, number, documented_request()
        )
        connection.commit() if is_kept else connection.rollback()

    class Driver:
        """What stands between, with the statements in each style there is."""

        def __init__(self, style: str) -> None:
            self.Database, self.style = self, style
            self.paramstyle = style

        def cursor(self) -> Any:
            self.inner = psycopg.RawCursor(raw)
            return self

        def execute(self, statement: str, values: Any) -> None:
            if self.style == "named":
                for number, name in enumerate(values, 1):
                    statement = statement.replace(f":{name}", f"${number}", 1)
                values = list(values.values())
            elif self.style == "qmark":
                for number in range(1, len(values) + 1):
                    statement = statement.replace("?", f"${number}", 1)
            self.inner.execute(statement.replace(":", "$").encode(), values)

        def fetchone(self) -> Any:
            return self.inner.fetchone()

        def close(self) -> None:
            self.inner.close()

    with psycopg.connect(database) as raw:
        for style in ("named", "qmark", "numeric", "numeric_dollar"):
            ids = {outbox.add(Driver(style), f"O-{style}", documented_request()) for _ in range(2)}
            assert len(ids) == 1, style
    drive(batches)
    assert sum(executed(sandbox).values()) == 5
    connection.close()


@pytest.mark.parametrize("rows", [dict_row, namedtuple_row, scalar_row])
def test_what_the_application_makes_of_rows_and_placeholders_does_not_matter(
    batches: Batches, database: str, rows: Any
) -> None:
    outbox = Outbox("refunds", journal_key=KEY)
    with psycopg.connect(database, row_factory=rows, cursor_factory=psycopg.RawCursor) as connection:
        ids = {outbox.add(connection, "O-1", documented_request()) for _ in range(2)}
    assert len(ids) == 1


ASYNC = ["psycopg", "asyncpg", "asyncpg pool", "session on psycopg", "session on asyncpg", "connection of SQLAlchemy"]


@pytest.mark.parametrize("kind", ASYNC)
def test_on_an_event_loop_both_are_committed_together_or_not_at_all(
    sandbox: Sandbox, batches: Batches, database: str, kind: str
) -> None:
    outbox, request = Outbox("refunds", journal_key=KEY), documented_request()
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE orders (number TEXT PRIMARY KEY)")

    async def main() -> dict[str, str]:
        ids: dict[str, str] = {}
        async with opened(kind, database) as (connection, execute, begin):
            for number, is_kept in [("O-1", True), ("O-2", False), ("O-3", True)]:
                end = await begin()
                await execute(f"INSERT INTO orders VALUES ('{number}')")
                ids[number] = await outbox.add_async(connection, number, request)
                assert await outbox.add_async(connection, number, request) == ids[number]
                await end(is_kept)
            end = await begin()
            with pytest.raises(InvalidRequestError, match="was added before, with another request") as caught:
                await outbox.add_async(connection, "O-1", request.replace(money=Money(11_000, "IDR")))
            assert caught.value.field == "key"
            await end(False)
        return ids

    ids = asyncio.run(main())
    with psycopg.connect(database) as connection:
        rows: list[Any] = connection.execute("SELECT number FROM orders ORDER BY 1").fetchall()
    assert rows == [("O-1",), ("O-3",)]
    drive(batches)
    assert executed(sandbox) == {ids["O-1"]: 1, ids["O-3"]: 1}


@asynccontextmanager
async def opened(kind: str, database: str) -> AsyncIterator[tuple[Any, Any, Any]]:
    """A connection, what executes a statement with it, and what begins a transaction and gives what ends it."""
    if kind == "psycopg":
        connection = await psycopg.AsyncConnection.connect(database)

        async def begin() -> Any:
            async def end(is_kept: bool) -> None:
                await (connection.commit() if is_kept else connection.rollback())

            return end

        yield connection, connection.execute, begin
        await connection.close()
    elif kind.startswith("asyncpg"):
        pool = await asyncpg.create_pool(database, min_size=1, max_size=1)
        held = await pool.acquire() if "pool" in kind else await asyncpg.connect(database)

        async def begin_asyncpg() -> Any:
            transaction = held.transaction()
            await transaction.start()

            async def end(is_kept: bool) -> None:
                await (transaction.commit() if is_kept else transaction.rollback())

            return end

        yield held, held.execute, begin_asyncpg
        await (pool.release(held) if "pool" in kind else held.close())
        await pool.close()
    else:
        driver = "asyncpg" if "asyncpg" in kind else "psycopg"
        engine = create_async_engine(database.replace("postgresql://", f"postgresql+{driver}://"))
        of: Any = AsyncSession(engine) if "session" in kind else await engine.connect()

        async def begin_sqlalchemy() -> Any:
            async def end(is_kept: bool) -> None:
                await (of.commit() if is_kept else of.rollback())

            return end

        yield of, lambda statement: of.execute(sqlalchemy.text(statement)), begin_sqlalchemy
        await of.close()
        await engine.dispose()


def test_a_connection_that_cannot_be_used_is_refused(batches: Batches, database: str) -> None:
    outbox, request = Outbox("refunds", journal_key=KEY), documented_request()

    class Strange:
        def cursor(self) -> None: ...

    for strange, says in [
        (Strange(), "of no driver that is known: its module has no paramstyle of DB-API"),
        (7, "must be a connection of DB-API, or a session of SQLAlchemy, not builtins.int"),
    ]:
        refused(lambda: outbox.add(strange, "O-1", request), says)  # type: ignore[arg-type]  # noqa: B023

    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            refused(lambda: outbox.add(connection, "O-1", request), "is asynchronous: await add_async")
            await connection.commit()
            await connection.set_autocommit(True)
            with pytest.raises(InvalidRequestError, match="connection: is in no transaction"):
                await outbox.add_async(connection, "O-1", request)
            async with connection.transaction():
                await outbox.add_async(connection, "O-1", request)
        held = await asyncpg.connect(database)
        with pytest.raises(InvalidRequestError, match="connection: is in no transaction"):
            await outbox.add_async(held, "O-1", request)
        await held.close()
        with psycopg.connect(database) as ordinary, pytest.raises(InvalidRequestError, match="others are for add"):
            await outbox.add_async(ordinary, "O-1", request)

    asyncio.run(main())
    with psycopg.connect(database, autocommit=True) as alone:
        refused(lambda: outbox.add(alone, "O-2", request), "is in no transaction")
        with alone.transaction():
            outbox.add(alone, "O-2", request)


def refused(add: Any, says: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        add()
    assert caught.value.field == "connection" and says in caught.value.message, caught.value.message


IN_DJANGO = """
import os, sys
from urllib.parse import urlsplit
import django
from django.conf import settings

url = urlsplit(os.environ["DATABASE"])
database = {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": "owner", "HOST": url.hostname}
settings.configure(DATABASES={"default": {**database, "PORT": url.port}})
django.setup()
from django.db import connection, transaction
from komopay import BankAccount, BankTransfer, InvalidRequestError, Money, PayoutRequest
from komopay.batches import Outbox

bank = BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344"))
request = PayoutRequest(money=Money("10000", "IDR"), method=bank)
outbox = Outbox("refunds")
try:
    outbox.add(connection, "O-1", request)
except InvalidRequestError as error:
    print(error.field)
for number, is_kept in [("O-1", True), ("O-2", False)]:
    with transaction.atomic():
        outbox.add(connection, number, request)
        transaction.set_rollback(not is_kept)
"""


def test_djangos_connection_adds_in_its_atomic_block(sandbox: Sandbox, batches: Batches, database: str) -> None:
    environment = {**os.environ, "DATABASE": database, "KOMOPAY_JOURNAL_KEY": KEY}
    run = subprocess.run(
        [sys.executable, "-c", IN_DJANGO], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (run.stdout, run.returncode) == ("connection\n", 0), run.stderr
    drive(batches)
    assert sum(executed(sandbox).values()) == 1


def test_what_is_above_a_ceiling_is_not_paid(sandbox: Sandbox, batches: Batches, database: str) -> None:
    outbox = Outbox("refunds", journal_key=KEY)
    with psycopg.connect(database) as connection:
        outbox.add(connection, "O-1", documented_request().replace(money=Money(20_001, "IDR")))
    drive(batches)
    status = batches.status("refunds")
    assert (status.state, sum(executed(sandbox).values())) == ("paused", 0)
    assert status.why is not None and "ceiling" in status.why


def test_what_cannot_be_used_is_named(client: Client, database: str, folder: Any) -> None:
    with Batches(client, journal=folder / "payroll.journal", journal_key=KEY) as batches:
        with pytest.raises(ConfigurationError) as caught:
            batches.open_outbox("refunds", maker="maker", ceilings=CEILINGS)
        assert caught.value.field == "journal"
    with Batches(client, journal=database, journal_key=KEY) as batches:
        for ceilings in [{"IDR": 5}, {"IDR": (1.5, 2)}, [5], {"idr": (5, 6)}]:
            with pytest.raises(ConfigurationError) as caught:
                batches.open_outbox("refunds", maker="maker", ceilings=ceilings)  # type: ignore[arg-type]
            assert caught.value.field == "ceilings"
    with pytest.raises(ConfigurationError) as caught:
        Outbox("refunds", journal_key=KEY, schema="a;b")
    assert caught.value.field == "schema"
    with pytest.raises(InvalidRequestError) as refused:
        Outbox("not an id", journal_key=KEY)
    assert refused.value.field == "batch_id"
