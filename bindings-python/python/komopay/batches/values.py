"""What is told of a batch: its plan, how it stands, and what happened to it.

All of these are frozen values: they compare and hash by value, pickle, copy and match, and become plain data. No payee
is in any of them.

Example:

    >>> from komopay.batches import BatchStatus, ItemCount
    >>> status = BatchStatus(batch_id="payroll-2026-11", state="closed", counts=(
    ...     ItemCount(state="succeeded", currency="IDR", count=999),
    ...     ItemCount(state="failed", currency="IDR", count=1)))
    >>> status.count("succeeded"), status.items
    (999, 1000)
"""

from __future__ import annotations

from datetime import datetime, timedelta

from komopay._native import Money, _fields_of_batches, _read_of_batches
from komopay.batches.codes import Attention, BatchState, ItemState, PlanProblemKind, PlanWarningKind
from komopay.catalogue import Value
from komopay.codes import ErrorKind, FailureCode, MethodCode, PayoutStatus

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import cast

    from typing_extensions import Self
else:

    def cast(_: object, value: object) -> object:
        return value


__all__ = [
    "BatchEvent",
    "BatchStatus",
    "CurrencyTotal",
    "GroupTotal",
    "ItemCount",
    "Plan",
    "PlanProblem",
    "PlanWarning",
    "Planned",
    "ReportCurrency",
    "ReportItem",
    "ReportTotals",
    "RowProblem",
    "StateTotal",
]


class BatchValue(Value):
    """What all values of batches can do: become plain data, and be made again of it, or with other fields."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """The value of plain data, as `to_dict` gives it. Fields that are not known are passed over.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> from komopay.batches import ItemCount
            >>> ItemCount.from_dict({"state": "succeeded", "currency": "IDR", "count": 3}).state
            'succeeded'
        """
        return cast("Self", _read_of_batches(cls.__name__, data))

    @classmethod
    def _fields(cls) -> list[tuple[str, object, str, bool]]:
        return _fields_of_batches(cls.__name__)


class RowProblem(BatchValue):
    """What is wrong with a row. No value of the row is in it.

    Example:

        >>> from komopay.batches import RowProblem
        >>> RowProblem(row=7, field="amount", problem="is empty")
        RowProblem(row=7, field='amount', problem='is empty')
    """

    row: int
    """The line that the row begins in, the header's being 1; of an iterable its place, from 1."""
    field: str | None = None
    """The column, or field, that is at fault, by its name in the input."""
    problem: str
    """What is wrong, and what to do."""


class PlanProblem(BatchValue):
    """What is wrong with a batch as a whole.

    Example:

        >>> from komopay.batches import PlanProblem
        >>> PlanProblem(kind="count", text="the count is 2, and was to be 3").kind
        'count'
    """

    kind: PlanProblemKind
    """What it is. The list is open."""
    text: str
    """The text for people."""
    row: int | None = None
    """A row that has it, where it is about rows."""


class PlanWarning(BatchValue):
    """What a person should know of a batch before it is paid.

    Example:

        >>> from komopay.batches import PlanWarning
        >>> PlanWarning(kind="balance", text="the payouts need more than can be spent").row is None
        True
    """

    kind: PlanWarningKind
    """What it is. The list is open."""
    text: str
    """The text for people."""
    row: int | None = None
    """The row that has it, where it is about one."""


class CurrencyTotal(BatchValue):
    """What a batch pays in one currency.

    Example:

        >>> from komopay.batches import CurrencyTotal
        >>> CurrencyTotal(count=3, sum=Money("750000", "IDR")).sum
        Money('750000', 'IDR')
    """

    count: int
    """How many payouts."""
    sum: Money
    """Their exact sum, without fees."""


class GroupTotal(BatchValue):
    """What a batch pays in one currency by one method through one operator.

    Example:

        >>> from komopay.batches import GroupTotal
        >>> money = Money("250000", "IDR")
        >>> group = GroupTotal(method_code="BANK_TRANSFER", operator_code="BNK_000", count=1, sum=money,
        ...                    least=money, least_row=2, most=money, most_row=2)
        >>> group.most_row
        2
    """

    method_code: MethodCode
    """The method."""
    operator_code: str | None = None
    """The operator; None, where the platform is to choose."""
    segment_code: str | None = None
    """The customers' segment."""
    count: int
    """How many payouts."""
    sum: Money
    """Their exact sum, without fees."""
    least: Money
    """The smallest."""
    least_row: int
    """The row of the smallest."""
    most: Money
    """The largest."""
    most_row: int
    """The row of the largest."""


class Plan(BatchValue):
    """What a batch would do, and what speaks against it.

    Example:

        >>> from komopay.batches import Plan, RowProblem
        >>> plan = Plan(batch_id="B-1", rows=2, items=1, bad_rows=1,
        ...             row_problems=(RowProblem(row=3, field="amount", problem="is empty"),))
        >>> [(bad.row, bad.field) for bad in plan.row_problems]
        [(3, 'amount')]
    """

    batch_id: str
    """The batch."""
    rows: int
    """How many rows there are, good and bad."""
    items: int
    """How many of them can be paid."""
    bad_rows: int
    """How many cannot, as they are."""
    currencies: tuple[CurrencyTotal, ...] = ()
    """What the items come to, by currency."""
    groups: tuple[GroupTotal, ...] = ()
    """The same by currency, method, operator and segment: the first thousand kinds that came."""
    others: int = 0
    """How many items are in none of the groups. They are in the totals of their currencies."""
    row_problems: tuple[RowProblem, ...] = ()
    """What is wrong with rows, in their order: the first 100."""
    problems: tuple[PlanProblem, ...] = ()
    """What is wrong with the batch as a whole."""
    warnings: tuple[PlanWarning, ...] = ()
    """What a person should know."""
    unused_columns: tuple[str, ...] = ()
    """The columns that nothing is taken from."""


class Planned(BatchValue):
    """What came of a plan.

    Example:

        >>> from komopay.batches import Plan, Planned
        >>> planned = Planned(plan=Plan(batch_id="B-1", rows=0, items=0, bad_rows=0), state="draft")
        >>> planned.state, planned.digest is None
        ('draft', True)
    """

    plan: Plan
    """What the rows add up to, and what is wrong with them."""
    state: BatchState
    """`validated`, if it may be approved; `draft`, if rows or totals are bad; else the state that it was in before."""
    digest: str | None = None
    """The digest of all that it would pay, payees included, which an approval is bound to. None, unless it may be
    approved."""
    inserted: int = 0
    """How many items are new."""
    changed: int = 0
    """How many have other contents than before."""
    removed: int = 0
    """How many are in the input no more."""


class ItemCount(BatchValue):
    """How many items of one currency are in one state.

    Example:

        >>> from komopay.batches import ItemCount
        >>> ItemCount(state="accepted", currency="IDR", count=3)
        ItemCount(state='accepted', currency='IDR', count=3)
    """

    state: ItemState
    """The state. The list is open."""
    currency: str
    """The currency."""
    count: int
    """How many."""


class BatchStatus(BatchValue):
    """How a batch stands.

    Example:

        >>> from komopay.batches import BatchStatus, ItemCount
        >>> status = BatchStatus(batch_id="B-1", state="following", due_in=timedelta(seconds=3),
        ...                      counts=(ItemCount(state="accepted", currency="IDR", count=3),))
        >>> status.count("accepted"), status.count("succeeded")
        (3, 0)
    """

    batch_id: str
    """The batch."""
    state: BatchState
    """Its state. The list is open."""
    why: str | None = None
    """Why it is paused, or was cancelled."""
    counts: tuple[ItemCount, ...] = ()
    """How many items are in which state, by currency. States without items are left out."""
    due_in: timedelta | None = None
    """When there is something to do again, from now on; None if there is not."""

    def count(self, state: str) -> int:
        """How many items are in this state.

        Example:

            >>> from komopay.batches import BatchStatus
            >>> BatchStatus(batch_id="B-1", state="draft").count("planned")
            0
        """
        return sum(each.count for each in self.counts if each.state == state)

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(each.count for each in self.counts)


class BatchEvent(BatchValue):
    """Something that happened to a batch: a decision of a person, or a state that it came to. There is none per item.

    Example:

        >>> from datetime import datetime, timezone
        >>> from komopay.batches import BatchEvent
        >>> at = datetime(2026, 11, 25, tzinfo=timezone.utc)
        >>> BatchEvent(number=2, at=at, who="budi", what="approved").to_dict()["at"]
        '2026-11-25T00:00:00Z'
    """

    number: int
    """1, 2, 3 ... for each batch."""
    at: datetime
    """When, by the clock of the journal's database."""
    who: str
    """Who: the name that the application gave, or `komopay` for what follows from a rule."""
    what: str
    """What: `planned`, `approved`, `running`, `paused`, `cancelled`, `settled` ..."""
    why: str | None = None
    """Why, where that was said."""
    details: str | None = None
    """Of what: an item's key, a digest, or a count."""


class ReportItem(BatchValue):
    """What came of an item, as a report shows it: no name of the payee, and of the account the last four characters.

    Example:

        >>> from komopay.batches import ReportItem
        >>> item = ReportItem(key="EMP-1", payout_id="KB-1", state="failed", money=Money("250000", "IDR"),
        ...                   method_code="BANK_TRANSFER", failure="SYSTEM", replaced_by="EMP-1~2")
        >>> item.state, item.money, item.replaced_by
        ('failed', Money('250000', 'IDR'), 'EMP-1~2')
    """

    key: str
    """Your own name of the item, unique in its batch."""
    payout_id: str
    """The id of its payout."""
    payment_id: str | None = None
    """The platform's own id of the payment, if it told one."""
    row: int | None = None
    """The row of the input that it came from, the first one being 1. None of an item that came one by one."""
    state: ItemState
    """Where it stands. The list is open."""
    money: Money
    """How much was asked for."""
    method_code: MethodCode
    """How it reaches the payee."""
    operator_code: str | None = None
    """Through whom, if the request says so."""
    account: str | None = None
    """The payee's account, masked. None once payees are erased, and where the key that sealed it is not here."""
    fee: Money | None = None
    """The fee charged to you, where the platform told it. Its currency may be another one."""
    platform_status: PayoutStatus | None = None
    """The status that the platform last told. The list is open."""
    failure: FailureCode | None = None
    """Why it failed or was refused, if the platform said so. The list is open."""
    reasons: tuple[str, ...] = ()
    """The codes of the business rules that said no, if it was rejected."""
    error_kind: ErrorKind | None = None
    """The kind of the error that the last try to send it ended with, if it did. The list is open."""
    attention: Attention | None = None
    """Why it needs a person. The list is open."""
    why: str | None = None
    """What a person, or a rule, gave as the reason, without its long numbers."""
    replaces: str | None = None
    """The key of the item that this one is a new try of."""
    replaced_by: str | None = None
    """The key of the item that is a new try of this one."""
    attempts: int = 0
    """How many requests were made for it, as far as they were noted."""
    updated_at: datetime | None = None
    """When it last changed, by the journal's clock."""


class StateTotal(BatchValue):
    """The items of one currency in one state.

    Example:

        >>> from komopay.batches import StateTotal
        >>> StateTotal(state="succeeded", count=3, sum=Money("750000", "IDR")).sum
        Money('750000', 'IDR')
    """

    state: ItemState
    """The state. The list is open."""
    count: int
    """How many."""
    sum: Money
    """How much, without fees."""


class ReportCurrency(BatchValue):
    """The totals of one currency in a report. input and tried_again together are the sum over the states.

    Example:

        >>> from komopay.batches import CurrencyTotal, ReportCurrency
        >>> nothing = CurrencyTotal(count=0, sum=Money("0", "IDR"))
        >>> ReportCurrency(input=nothing, tried_again=nothing).states
        ()
    """

    input: CurrencyTotal
    """What was handed over: all items but new tries."""
    tried_again: CurrencyTotal
    """Items that are new tries of others. They ask for the same money once more."""
    states: tuple[StateTotal, ...] = ()
    """Every item by its state. States without items are left out."""


class ReportTotals(BatchValue):
    """The totals of a report, counted from its items.

    Example:

        >>> from komopay.batches import ReportTotals
        >>> ReportTotals().count("succeeded")
        0
    """

    currencies: tuple[ReportCurrency, ...] = ()
    """The totals of each currency."""
    fees: tuple[CurrencyTotal, ...] = ()
    """The fees that the platform told, by their currency, with the number of items that each is of."""
    fees_untold: int = 0
    """How many payouts the platform took without telling a fee so far."""

    def count(self, state: str) -> int:
        """How many items are in this state, in all currencies.

        Example:

            >>> from komopay.batches import ReportTotals
            >>> ReportTotals().count("needs_person")
            0
        """
        return sum(each.count for currency in self.currencies for each in currency.states if each.state == state)
