"""Many payouts, each exactly once: a payroll on one machine or many, across crashes.

A batch is planned from a file or from what a program makes, approved, and driven: everything is written down in a
journal before money moves, so a process that dies in the middle of it pays nobody twice, and another one goes on.

    >>> from tempfile import TemporaryDirectory
    >>> from komopay.batches import Batches, generate_journal_key
    >>> employees = [  # or batches.csv("payroll.csv"), or frame.to_dict("records")
    ...     {"id": "EMP-1", "amount": "250000", "currency": "IDR", "operator_code": "BNK_000",
    ...      "account_name": "Siti Rahmawati", "account_number": "0123456789"},
    ...     {"id": "EMP-2", "amount": "300000", "currency": "IDR", "operator_code": "BNK_000",
    ...      "account_name": "Budi Santoso", "account_number": "0123456780"}]
    >>> folder, client = TemporaryDirectory(), Client.from_env()
    >>> with Batches(client, journal=f"{folder.name}/payroll.journal", journal_key=generate_journal_key()) as batches:
    ...     planned = batches.plan("payroll-2026-11", employees, maker="siti", sums={"IDR": 550_000})
    ...     batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ...     batches.start("payroll-2026-11", by="budi")
    ...     status = batches.drive("payroll-2026-11")
    >>> status.state, status.count("accepted")
    ('following', 2)

`drive` sends, and `follow` reads the payouts to their last status: call them again and again, from any process, until
`status.due_in` is None. `AsyncBatches` has the same methods for asyncio.

    >>> folder.cleanup()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from komopay._native import (
    Batches,
    RowSource,
    Stop,
    csv,
    csv_template,
    generate_journal_key,
    json_lines,
)
from komopay.batches.codes import Attention, BatchState, ItemState, PlanProblemKind, PlanWarningKind
from komopay.batches.outbox import Outbox
from komopay.batches.values import (
    BatchEvent,
    BatchStatus,
    CurrencyTotal,
    GroupTotal,
    ItemCount,
    Plan,
    Planned,
    PlanProblem,
    PlanWarning,
    ReportCurrency,
    ReportItem,
    ReportTotals,
    RowProblem,
    StateTotal,
)

if TYPE_CHECKING:
    from komopay.batches.aio import AsyncBatches

__all__ = [
    "AsyncBatches",
    "Attention",
    "BatchEvent",
    "BatchState",
    "BatchStatus",
    "Batches",
    "CurrencyTotal",
    "GroupTotal",
    "ItemCount",
    "ItemState",
    "Outbox",
    "Plan",
    "PlanProblem",
    "PlanProblemKind",
    "PlanWarning",
    "PlanWarningKind",
    "Planned",
    "ReportCurrency",
    "ReportItem",
    "ReportTotals",
    "RowProblem",
    "RowSource",
    "StateTotal",
    "Stop",
    "csv",
    "csv_template",
    "generate_journal_key",
    "json_lines",
]


def __getattr__(name: str) -> object:
    # It brings asyncio, which many programs never need.
    if name != "AsyncBatches":
        raise AttributeError(f"module 'komopay.batches' has no attribute {name!r}")
    from komopay.batches.aio import AsyncBatches

    globals()[name] = AsyncBatches
    return AsyncBatches


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
