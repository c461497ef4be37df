"""An outbox: payouts that are intended in the application's own transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, cast

from komopay._native import _Outbox
from komopay._opaque import Opaque
from komopay.batches._drivers import async_driver, driver

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import TypeAlias

    from komopay import PayoutRequest
    from komopay._native import _OutboxRow
    from komopay.batches._drivers import _Found
    from komopay.batches._rows import SupportsExecute

    _Steps: TypeAlias = Generator[tuple[str, object], _Found, str]
    """Statements with their values, and the row that each has given; the payout id at the end."""

__all__ = ["Outbox"]


class Outbox:
    """Takes payouts one by one, in transactions of your own PostgreSQL database: the order and its payout are committed
    together, or not at all. `Batches.open_outbox` makes it there, and `Batches.drive` pays what is committed.

    `batch_id` is the outbox's. `journal_key`, or `KOMOPAY_JOURNAL_KEY`, is the journal's; schema is where its tables
    are. An outbox opens nothing, and may be used by any process and thread.

    Errors: `InvalidRequestError`, naming `batch_id`; `ConfigurationError`, naming `journal_key` or `schema`.

    The examples of the methods begin with an `outbox` of this name that `batches` have opened and started, in the
    `database` that has the orders.

    Example:

        >>> from komopay.batches import Outbox, generate_journal_key
        >>> Outbox("refunds", journal_key=generate_journal_key())
        Outbox(batch_id='refunds')
    """

    __slots__ = ("_rows",)

    def __init__(self, batch_id: str, *, journal_key: str | None = None, schema: str = "komopay") -> None:
        make = Opaque(_Outbox, batch_id, journal_key=journal_key, schema=schema)
        # What raises shows no key.
        del journal_key
        self._rows: _Outbox = make()

    def add(
        self, connection: SupportsExecute, key: str, request: PayoutRequest, *, payout_id: str | None = None
    ) -> str:
        """Adds a payout in the transaction that connection is in, and gives the id that it is paid under. It is paid if
        you commit, and never was if you do not.

        connection is one of psycopg, of another DB-API driver (the module of which says its `paramstyle`) or of Django,
        or a session or connection of SQLAlchemy. key is what you call the payout, such as the order's number: the same
        key and request again add nothing. Without a payout id, one is derived from `batch_id` and key. The payee is
        sealed before it leaves this process.

        Errors: `InvalidRequestError`, naming the field that cannot be paid, `key` if another request has it, or
        `connection` if it cannot be used, or would commit by itself. What the connection raises is raised as it is.

        Example:

            >>> import psycopg
            >>> with psycopg.connect(database) as connection:  # which commits at its end
            ...     _ = connection.execute("INSERT INTO orders (number, state) VALUES ('O-1', 'refunded')")
            ...     payout_id = outbox.add(connection, "O-1", request)
            >>> batches.drive("refunds").count("accepted")
            1
        """
        style, ask = driver(connection)
        steps = _steps(self._rows._row(key, request, payout_id, style))
        try:
            statement, values = next(steps)
            while True:
                statement, values = steps.send(ask(statement, values))
        except StopIteration as end:
            return cast("str", end.value)

    async def add_async(
        self, connection: SupportsExecute, key: str, request: PayoutRequest, *, payout_id: str | None = None
    ) -> str:
        """The same for asyncio: connection is a psycopg `AsyncConnection`, a connection of asyncpg, or an
        `AsyncSession` or `AsyncConnection` of SQLAlchemy.

        Errors: as for `add`.

        Example:

            >>> import psycopg
            >>> async def refund() -> str:
            ...     async with await psycopg.AsyncConnection.connect(database) as connection:
            ...         await connection.execute("INSERT INTO orders (number, state) VALUES ('O-2', 'refunded')")
            ...         return await outbox.add_async(connection, "O-2", request)
            >>> payout_id = asyncio.run(refund())
            >>> batches.drive("refunds").count("accepted")
            1
        """
        style, ask = async_driver(connection)
        steps = _steps(self._rows._row(key, request, payout_id, style))
        try:
            statement, values = next(steps)
            while True:
                statement, values = steps.send(await ask(statement, values))
        except StopIteration as end:
            return cast("str", end.value)

    def __repr__(self) -> str:
        rows: _Outbox | None = getattr(self, "_rows", None)
        return "Outbox(not made)" if rows is None else f"Outbox(batch_id={rows.batch_id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Outbox holds keys and cannot be pickled or copied; make one in each process")


def _steps(row: _OutboxRow) -> _Steps:
    added = yield row._insert()
    if added is not None:
        return row.payout_id
    found = yield row._look()
    if found is None:
        row._check(None)
        return row.payout_id
    # What a row is, the application may have chosen for its connection.
    if hasattr(found, "keys"):
        by_name = cast("Mapping[str, str]", found)
        there, fingerprint = by_name["payout_id"], by_name["fingerprint"]
    else:
        there, fingerprint = cast("Sequence[str]", found)
    row._check(fingerprint)
    return there
