"""Batches for asyncio: the same calls as `komopay.batches.Batches`, awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

from komopay._native import Batches, Stop
from komopay._opaque import Opaque

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable
    from datetime import timedelta
    from decimal import Decimal
    from types import TracebackType
    from typing import Literal, Protocol
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self

    from komopay import AsyncClient, Money, Payout
    from komopay.aio import _Call
    from komopay.batches._rows import AsyncRows, Rows, SupportsWrite
    from komopay.batches.values import BatchEvent, BatchStatus, Planned, ReportItem, ReportTotals, RowProblem

    class _Feeding(Protocol):
        """Rows on their way to a plan."""

        @property
        def _is_async(self) -> bool: ...
        def _wanted(self) -> bool: ...
        def _give(self) -> None: ...
        def _give_rows(self, rows: list[object], /) -> None: ...
        def _close(self) -> None: ...

    class _Writing(Protocol):
        """A report on its way to its file."""

        def _filled(self) -> bool: ...
        def _write(self) -> None: ...


__all__ = ["AsyncBatches"]

_T = TypeVar("_T")

_ROWS = 500
"""How many rows are read at a time."""


class AsyncBatches:
    """Batches of payouts for asyncio: see `komopay.batches.Batches`, whose arguments it takes, with an `AsyncClient`.

    The journal is opened by `async with`, or by the first call.

    Cancelling a task in `drive` or `follow`, which is also what `asyncio.timeout` does, stops it as Ctrl-C does:
    nothing new is sent, and what is under way ends first. Cancelled once more, it leaves at once, and what was under
    way is settled by the next call.

    Errors: as for `Batches`; of the journal itself, by the first call.

    The examples of the methods begin with such `batches`, into which `planned` has put two `employees` as
    `payroll-2026-11`.

    Example:

        >>> from tempfile import TemporaryDirectory
        >>> from komopay.batches import AsyncBatches, BatchStatus, generate_journal_key
        >>> employees = [{"id": "EMP-1", "amount": "250000", "currency": "IDR", "operator_code": "BNK_000",
        ...               "account_name": "Siti Rahmawati", "account_number": "0123456789"}]
        >>> async def pay(journal: str) -> BatchStatus:
        ...     async with AsyncClient.from_env() as client:
        ...         async with AsyncBatches(client, journal=journal, journal_key=generate_journal_key()) as batches:
        ...             planned = await batches.plan("payroll-2026-11", employees, maker="siti")
        ...             await batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
        ...             await batches.start("payroll-2026-11", by="budi")
        ...             return await batches.drive("payroll-2026-11")
        >>> with TemporaryDirectory() as folder:
        ...     asyncio.run(pay(f"{folder}/payroll.journal")).count("accepted")
        1
    """

    __slots__ = ("_batches", "_client")

    def __init__(
        self, client: AsyncClient, *, journal: str | os.PathLike[str], journal_key: str | None = None
    ) -> None:
        native = getattr(client, "_client", client)
        make = Opaque(Batches._for_event_loop, native, journal=journal, journal_key=journal_key)
        # What raises shows no key and no password.
        del journal, journal_key
        self._batches: Batches = make()
        self._client: AsyncClient = client

    async def plan(
        self,
        batch_id: str,
        rows: Rows | AsyncRows,
        *,
        maker: str,
        valid_only: bool = False,
        count: int | None = None,
        sums: Iterable[Money] | Mapping[str, str | int | Decimal] | None = None,
        concurrency: int = 32,
        requests_per_second: float | None = None,
        tokens: Literal["chunk", "payout"] = "chunk",
        token_seconds: int = 60,
        max_refusals: int | None = None,
        max_refused_share: float = 0.1,
        stop_on_low_balance: bool = True,
        approval_by_another: bool = True,
        paid_lately_days: int = 7,
    ) -> Planned:
        """Checks every row, writes down those that are good, and says what they add up to. Nothing is sent.

        See `Batches.plan`. rows may be asynchronous, too, such as an async generator. An iterable, or an open file, is
        read in the event loop, which goes on with other tasks every 500 rows.

        Errors: as for `Batches.plan`.

        Example:

            >>> async def rows() -> AsyncIterator[dict[str, str]]:
            ...     for employee in employees:  # such as those of a database, one by one
            ...         yield employee
            >>> planned = asyncio.run(batches.plan("payroll-2026-11", rows(), maker="siti", count=2))
            >>> planned.plan.currencies[0].sum
            Money('550000', 'IDR')
        """
        feeding = cast("_Feeding", self._batches._feeding(rows))
        start = Opaque(
            self._batches.plan,
            batch_id,
            cast("Rows", cast("object", feeding)),
            maker=maker,
            valid_only=valid_only,
            count=count,
            sums=sums,
            concurrency=concurrency,
            requests_per_second=requests_per_second,
            tokens=tokens,
            token_seconds=token_seconds,
            max_refusals=max_refusals,
            max_refused_share=max_refused_share,
            stop_on_low_balance=stop_on_low_balance,
            approval_by_another=approval_by_another,
            paid_lately_days=paid_lately_days,
        )
        self._prepare()
        call = cast("_Call[Planned]", cast("object", start()))
        try:
            asynchronous = aiter(cast("AsyncIterator[object]", rows)) if feeding._is_async else None
            while await _ended(feeding._wanted):
                if asynchronous is None:
                    feeding._give()
                else:
                    feeding._give_rows(await _some(asynchronous))
            return await call.future
        finally:
            feeding._close()
            call.cancel()

    async def open_outbox(
        self,
        batch_id: str,
        *,
        maker: str,
        ceilings: Mapping[str, tuple[str | int | Decimal, str | int | Decimal]],
        concurrency: int = 32,
        requests_per_second: float | None = None,
        tokens: Literal["chunk", "payout"] = "chunk",
        token_seconds: int = 60,
        max_refusals: int | None = None,
        max_refused_share: float = 0.1,
        stop_on_low_balance: bool = True,
        approval_by_another: bool = True,
    ) -> str:
        """Opens an outbox, and gives the digest to approve. See `Batches.open_outbox`.

        Example:

            >>> ceilings = {"IDR": (5_000_000, 100_000_000)}
            >>> digest = asyncio.run(batches.open_outbox("tips", maker="siti", ceilings=ceilings))
            >>> asyncio.run(batches.approve("tips", by="budi", digest=digest))
            >>> asyncio.run(batches.start("tips", by="budi"))
        """
        start = Opaque(
            self._batches.open_outbox,
            batch_id,
            maker=maker,
            ceilings=ceilings,
            concurrency=concurrency,
            requests_per_second=requests_per_second,
            tokens=tokens,
            token_seconds=token_seconds,
            max_refusals=max_refusals,
            max_refused_share=max_refused_share,
            stop_on_low_balance=stop_on_low_balance,
            approval_by_another=approval_by_another,
        )
        return await self._end(start)

    async def approve(self, batch_id: str, *, by: str, digest: str, why: str | None = None) -> None:
        """Approves a batch as it stands. See `Batches.approve`.

        Example:

            >>> asyncio.run(batches.approve("payroll-2026-11", by="budi", digest=planned.digest, why="as agreed"))
            >>> asyncio.run(batches.status("payroll-2026-11")).state
            'approved'
        """
        return await self._end(Opaque(self._batches.approve, batch_id, by=by, digest=digest, why=why))

    async def start(self, batch_id: str, *, by: str, why: str | None = None) -> None:
        """Starts a batch that was approved, or goes on with one that is paused. See `Batches.start`.

        Example:

            >>> asyncio.run(batches.approve("payroll-2026-11", by="budi", digest=planned.digest))
            >>> asyncio.run(batches.start("payroll-2026-11", by="budi"))
            >>> asyncio.run(batches.status("payroll-2026-11")).state
            'running'
        """
        return await self._end(Opaque(self._batches.start, batch_id, by=by, why=why))

    async def pause(self, batch_id: str, *, by: str, why: str) -> bool:
        """Lets nobody send more of a batch. See `Batches.pause`.

        Example:

            >>> asyncio.run(batches.approve("payroll-2026-11", by="budi", digest=planned.digest))
            >>> asyncio.run(batches.start("payroll-2026-11", by="budi"))
            >>> asyncio.run(batches.pause("payroll-2026-11", by="budi", why="a wrong amount"))
            True
            >>> asyncio.run(batches.start("payroll-2026-11", by="budi", why="it was right"))
        """
        return await self._end(Opaque(self._batches.pause, batch_id, by=by, why=why))

    async def cancel(self, batch_id: str, *, by: str, why: str) -> int:
        """Cancels what was not sent, and gives how many items that are. See `Batches.cancel`.

        Example:

            >>> asyncio.run(batches.approve("payroll-2026-11", by="budi", digest=planned.digest))
            >>> asyncio.run(batches.start("payroll-2026-11", by="budi"))
            >>> asyncio.run(batches.cancel("payroll-2026-11", by="budi", why="paid in cash"))
            2
        """
        return await self._end(Opaque(self._batches.cancel, batch_id, by=by, why=why))

    async def drive(self, batch_id: str, time: float | timedelta = 60.0, *, stop: Stop | None = None) -> BatchStatus:
        """Sends what is planned, and settles what is in doubt, until the time is over or nothing is due now.

        See `Batches.drive`. A task that is cancelled here stops softly: see `AsyncBatches`.

        Example:

            >>> asyncio.run(batches.approve("payroll-2026-11", by="budi", digest=planned.digest))
            >>> asyncio.run(batches.start("payroll-2026-11", by="budi"))
            >>> status = asyncio.run(batches.drive("payroll-2026-11", 30))
            >>> status.state, status.count("accepted")
            ('following', 2)
        """
        return await self._until_stopped(self._batches.drive, batch_id, time, stop)

    async def follow(self, batch_id: str, time: float | timedelta = 60.0, *, stop: Stop | None = None) -> BatchStatus:
        """Reads the payouts that the platform took, until the time is over or none is due now. See `Batches.follow`.

        Example:

            >>> async def pay() -> BatchStatus:
            ...     await batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            ...     await batches.start("payroll-2026-11", by="budi")
            ...     status = await batches.drive("payroll-2026-11")
            ...     while status.due_in is not None:
            ...         await asyncio.sleep(status.due_in.total_seconds())
            ...         status = await batches.follow("payroll-2026-11", 30)
            ...     return status
            >>> asyncio.run(pay()).count("succeeded")
            2
        """
        return await self._until_stopped(self._batches.follow, batch_id, time, stop)

    async def observe(self, payout: Payout) -> bool:
        """Takes a payout that a callback, or a read of your own, showed. See `Batches.observe`.

        Example:

            >>> async def pay() -> int:
            ...     await batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            ...     await batches.start("payroll-2026-11", by="budi")
            ...     await batches.drive("payroll-2026-11")
            ...     async for item in batches.items("payroll-2026-11", state="accepted"):
            ...         payout = await client.wait_for_payout(item.payout_id, timeout=60)  # or what a callback showed
            ...         await batches.observe(payout)
            ...     return (await batches.status("payroll-2026-11")).count("succeeded")
            >>> asyncio.run(pay())
            2
        """
        return await self._end(Opaque(self._batches.observe, payout))

    async def status(self, batch_id: str) -> BatchStatus:
        """How a batch stands. See `Batches.status`.

        Example:

            >>> status = asyncio.run(batches.status("payroll-2026-11"))
            >>> status.state, status.items, status.due_in
            ('validated', 2, None)
        """
        return await self._end(Opaque(self._batches.status, batch_id))

    async def settle(self, batch_id: str, item: str, *, made: bool, by: str, why: str) -> None:
        """Settles an item that needs a person. See `Batches.settle`.

        Example:

            >>> async def settle() -> None:
            ...     async for item in batches.items("payroll-2026-11", state="needs_person"):
            ...         await batches.settle("payroll-2026-11", item.key, made=True, by="budi", why="seen there")
            >>> asyncio.run(settle())
        """
        return await self._end(Opaque(self._batches.settle, batch_id, item, made=made, by=by, why=why))

    async def retry(self, batch_id: str, item: str, *, by: str, why: str) -> str:
        """Tries an item again that is final and was not paid. See `Batches.retry`.

        Example:

            >>> async def retry() -> None:
            ...     async for item in batches.items("payroll-2026-11", state="failed"):
            ...         if item.replaced_by is None:
            ...             await batches.retry("payroll-2026-11", item.key, by="budi", why="the account is open again")
            >>> asyncio.run(retry())
        """
        return await self._end(Opaque(self._batches.retry, batch_id, item, by=by, why=why))

    async def restored(self, *, by: str, why: str) -> int:
        """Says that the journal is a restored one. See `Batches.restored`.

        Example:

            >>> asyncio.run(batches.restored(by="budi", why="the backup of last night was put back"))
            0
        """
        return await self._end(Opaque(self._batches.restored, by=by, why=why))

    async def items(self, batch_id: str, *, state: str | None = None) -> AsyncIterator[ReportItem]:
        """The items of a batch, each once, of one state or all of them. See `Batches.items`.

        Example:

            >>> async def keys() -> list[str]:
            ...     return [item.key async for item in batches.items("payroll-2026-11", state="planned")]
            >>> asyncio.run(keys())
            ['EMP-1', 'EMP-2']
        """
        after = ""
        while page := await self._end(Opaque(self._batches._items, batch_id, state, after)):
            for item in page:
                yield item
            after = page[-1].key

    async def problems(self, batch_id: str, after: int = 0) -> list[RowProblem]:
        """What is wrong with rows of the input, as it was planned last. See `Batches.problems`.

        Example:

            >>> rows = [{**employees[0], "amount": "a lot"}]
            >>> planned = asyncio.run(batches.plan("payroll-2026-12", rows, maker="siti"))
            >>> [(problem.row, problem.field) for problem in asyncio.run(batches.problems("payroll-2026-12"))]
            [(1, 'amount')]
        """
        return await self._end(Opaque(self._batches.problems, batch_id, after))

    async def report(
        self,
        batch_id: str,
        target: str | os.PathLike[str] | SupportsWrite,
        *,
        format: Literal["csv", "jsonl", "html"] = "csv",
    ) -> ReportTotals:
        """Writes the report of a batch as it stands now, and gives its totals. See `Batches.report`.

        An open file is written to in the event loop.

        Example:

            >>> from io import StringIO
            >>> file = StringIO(newline="")  # or a path
            >>> totals = asyncio.run(batches.report("payroll-2026-11", file, format="csv"))
            >>> totals.count("planned"), file.getvalue().count("EMP-")
            (2, 2)
        """
        writing = cast("_Writing", self._batches._writing(target))
        start = Opaque(self._batches.report, batch_id, cast("SupportsWrite", cast("object", writing)), format=format)
        self._prepare()
        call = cast("_Call[ReportTotals]", cast("object", start()))
        try:
            while await _ended(writing._filled):
                writing._write()
            totals = await call.future
            writing._write()
            return totals
        finally:
            call.cancel()

    async def events(self, batch_id: str) -> list[BatchEvent]:
        """What happened to a batch. See `Batches.events`.

        Example:

            >>> [(event.who, event.what) for event in asyncio.run(batches.events("payroll-2026-11"))]
            [('siti', 'planned')]
        """
        return await self._end(Opaque(self._batches.events, batch_id))

    async def erase_payees(self, ended_for: float | timedelta) -> int:
        """Erases the payees of batches that ended so long ago. See `Batches.erase_payees`.

        Example:

            >>> asyncio.run(batches.erase_payees(timedelta(days=90)))
            0
        """
        return await self._end(Opaque(self._batches.erase_payees, ended_for))

    async def close(self) -> None:
        """Closes the journal, when the calls that are under way have ended.

        Example:

            >>> asyncio.run(batches.close())
            >>> asyncio.run(batches.status("payroll-2026-11"))
            Traceback (most recent call last):
            komopay.errors.ClosedError: the journal was closed
        """
        self._batches.close()

    async def __aenter__(self) -> Self:
        await self._end(self._batches._open)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self.close()

    def _prepare(self) -> None:
        """Before a call: a provider of tokens learns of the loop that it runs in."""
        _ = self._client._calls

    async def _end(self, start: Callable[[], _T]) -> _T:
        self._prepare()
        return await _ended(start)

    async def _until_stopped(
        self,
        work: Callable[..., BatchStatus],
        batch_id: str,
        time: float | timedelta,
        stop: Stop | None,
    ) -> BatchStatus:
        stop = Stop() if stop is None else stop
        start = Opaque(work, batch_id, time, stop=stop)
        self._prepare()
        call = cast("_Call[BatchStatus]", cast("object", start()))
        try:
            _ = await asyncio.wait([call.future])
        except asyncio.CancelledError:
            stop.stop()
            _ = await asyncio.wait([call.future])
            if not call.future.cancelled():
                # Who cancelled hears nothing of it.
                _ = call.future.exception()
            raise
        finally:
            call.cancel()
        return call.future.result()

    def __repr__(self) -> str:
        batches: Batches | None = getattr(self, "_batches", None)
        return "AsyncBatches(not made)" if batches is None else f"Async{batches!r}"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "AsyncBatches hold keys and an open journal and cannot be pickled or copied; open them in each process"
        )


async def _ended(start: Callable[[], _T]) -> _T:
    """Starts a call, and waits for its end."""
    call = cast("_Call[_T]", cast("object", start()))
    try:
        return await call.future
    finally:
        # Cancelled, the caller has left. After the call's end it is nothing.
        call.cancel()


async def _some(rows: AsyncIterator[object]) -> list[object]:
    """Some of these rows; none at their end."""
    some: list[object] = []
    async for row in rows:
        some.append(row)
        if len(some) == _ROWS:
            break
    return some
