"""An outbox: payouts that are intended in the application's own transaction, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy
from conftest import documented_request
from gateway import Sandbox
from postgres import Server
from sqlalchemy.orm import Session
from test_batches import executed

from komopay import Client, ConfigurationError, InvalidRequestError, Money
from komopay.batches import Batches, Outbox, generate_journal_key

KEY = generate_journal_key()
CEILINGS = {"IDR": (20_000, 100_000)}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(processing_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """A new one on that server."""
    name = f"shop_{generate_journal_key()[:8].lower().translate(str.maketrans('+/', 'ab'))}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server.url.replace("/postgres", f"/{name}")


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
