"""The codes of batches. Each list is open: what is not known is kept as it came.

A code is a `str`, and equal to its text. Those of a list that are known can be iterated over, and each is one object,
wherever it comes from. Written by `cargo xtask stub`, from the lists in Rust.
"""

from __future__ import annotations

from komopay._code import Code

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

__all__ = [
    "Attention",
    "BatchState",
    "ItemState",
    "PlanProblemKind",
    "PlanWarningKind",
]


class Attention(Code):
    """Why an item needs a person: what no rule can decide without the risk of paying twice, or of not paying.

    Example:

        >>> Attention("made_after_all") is Attention.MADE_AFTER_ALL, Attention.MADE_AFTER_ALL == "made_after_all"
        (True, True)
        >>> Attention("another").is_known
        False
    """

    TAKEN_BY_ANOTHER: ClassVar[Attention]
    """The platform has a payout of this id that is not provably this one."""
    MADE_AFTER_ALL: ClassVar[Attention]
    """It was rejected or cancelled, and later the platform shows a payout of this id."""


Attention.TAKEN_BY_ANOTHER = Attention._member("taken_by_another")
Attention.MADE_AFTER_ALL = Attention._member("made_after_all")


class BatchState(Code):
    """Where a batch stands.

    Example:

        >>> BatchState("draft") is BatchState.DRAFT, BatchState.DRAFT == "draft"
        (True, True)
        >>> BatchState("another").is_known
        False
    """

    DRAFT: ClassVar[BatchState]
    """Rows are being read, or some of them are bad."""
    VALIDATED: ClassVar[BatchState]
    """Every row that is to be paid is good: it awaits approval."""
    APPROVED: ClassVar[BatchState]
    """It may be started."""
    RUNNING: ClassVar[BatchState]
    """Workers may pay it."""
    PAUSED: ClassVar[BatchState]
    """Workers claim nothing of it."""
    FOLLOWING: ClassVar[BatchState]
    """All is sent; some are not final."""
    CLOSED: ClassVar[BatchState]
    """Every item is final."""
    CANCELLED: ClassVar[BatchState]
    """What was not sent never will be."""


BatchState.DRAFT = BatchState._member("draft")
BatchState.VALIDATED = BatchState._member("validated")
BatchState.APPROVED = BatchState._member("approved")
BatchState.RUNNING = BatchState._member("running")
BatchState.PAUSED = BatchState._member("paused")
BatchState.FOLLOWING = BatchState._member("following")
BatchState.CLOSED = BatchState._member("closed")
BatchState.CANCELLED = BatchState._member("cancelled")


class ItemState(Code):
    """Where an item stands.
    
    While the chunk of a planned item is claimed, the item is; while the chunk's token is registered, it may be on its
    way. That is the chunk's state, and is not written down a second time.

    Example:

        >>> ItemState("planned") is ItemState.PLANNED, ItemState.PLANNED == "planned"
        (True, True)
        >>> ItemState("another").is_known
        False
    """

    PLANNED: ClassVar[ItemState]
    """Nothing was sent, or it is proved that nothing of it will execute."""
    IN_DOUBT: ClassVar[ItemState]
    """It may have been sent, and nobody knows yet."""
    ACCEPTED: ClassVar[ItemState]
    """The platform took it."""
    SUCCEEDED: ClassVar[ItemState]
    """The money arrived."""
    FAILED: ClassVar[ItemState]
    """It did not: the platform tried."""
    REFUSED: ClassVar[ItemState]
    """It did not: the platform would not."""
    REJECTED: ClassVar[ItemState]
    """The platform took no payout of this id, and said why."""
    NEEDS_PERSON: ClassVar[ItemState]
    """A person has to look."""
    CANCELLED: ClassVar[ItemState]
    """It was never sent, and will not be."""


ItemState.PLANNED = ItemState._member("planned")
ItemState.IN_DOUBT = ItemState._member("in_doubt")
ItemState.ACCEPTED = ItemState._member("accepted")
ItemState.SUCCEEDED = ItemState._member("succeeded")
ItemState.FAILED = ItemState._member("failed")
ItemState.REFUSED = ItemState._member("refused")
ItemState.REJECTED = ItemState._member("rejected")
ItemState.NEEDS_PERSON = ItemState._member("needs_person")
ItemState.CANCELLED = ItemState._member("cancelled")


class PlanProblemKind(Code):
    """What is wrong with a batch as a whole.

    Example:

        >>> PlanProblemKind("count") is PlanProblemKind.COUNT, PlanProblemKind.COUNT == "count"
        (True, True)
        >>> PlanProblemKind("another").is_known
        False
    """

    COUNT: ClassVar[PlanProblemKind]
    """There are more items, or fewer, than the maker says."""
    SUM: ClassVar[PlanProblemKind]
    """A sum is not what the maker says."""
    NOT_OFFERED: ClassVar[PlanProblemKind]
    """The platform has no such payouts, or not for this segment."""
    NOT_ACTIVATED: ClassVar[PlanProblemKind]
    """They have to be activated in the back office first."""
    BELOW_LIMIT: ClassVar[PlanProblemKind]
    """An amount is below what can be paid."""
    ABOVE_LIMIT: ClassVar[PlanProblemKind]
    """An amount is above what can be paid."""


PlanProblemKind.COUNT = PlanProblemKind._member("count")
PlanProblemKind.SUM = PlanProblemKind._member("sum")
PlanProblemKind.NOT_OFFERED = PlanProblemKind._member("not_offered")
PlanProblemKind.NOT_ACTIVATED = PlanProblemKind._member("not_activated")
PlanProblemKind.BELOW_LIMIT = PlanProblemKind._member("below_limit")
PlanProblemKind.ABOVE_LIMIT = PlanProblemKind._member("above_limit")


class PlanWarningKind(Code):
    """What a person should know of a batch before it is paid.

    Example:

        >>> PlanWarningKind("balance") is PlanWarningKind.BALANCE, PlanWarningKind.BALANCE == "balance"
        (True, True)
        >>> PlanWarningKind("another").is_known
        False
    """

    BALANCE: ClassVar[PlanWarningKind]
    """What can be spent does not cover it."""
    PAID_LATELY: ClassVar[PlanWarningKind]
    """The same payee got the same amount in another batch lately."""
    NOT_CHECKED: ClassVar[PlanWarningKind]
    """Something could not be looked up."""


PlanWarningKind.BALANCE = PlanWarningKind._member("balance")
PlanWarningKind.PAID_LATELY = PlanWarningKind._member("paid_lately")
PlanWarningKind.NOT_CHECKED = PlanWarningKind._member("not_checked")
