"""When a worker that is run by an engine looks at a batch again, for all engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from komopay.batches.values import BatchStatus

__all__ = ["GRACE", "NOT_STARTED", "TURN", "next_look"]

TURN = 30.0
"""For how many seconds a worker sends before it looks whether there is more to follow, and the other way round."""

GRACE = 30.0
"""For how many seconds a worker whose time is over goes on with what it has claimed, before it is asked to stop."""

NOT_STARTED = ("draft", "validated", "approved")
"""The states of a batch of which nothing may be sent yet."""

_SHORTEST = 0.2
_OPEN = 1.0
_RUNNING = 5.0
"""What another worker has claimed is due late, and at once when that one stops and gives it back."""


def next_look(status: BatchStatus) -> float | None:
    """In how many seconds there is something to do again. None, if there is not until a person decides."""
    if status.due_in is not None:
        due = max(status.due_in.total_seconds(), _SHORTEST)
        return min(due, _RUNNING) if status.state == "running" else due
    # All of it is settled, and it runs: an outbox, to which more may be added at any time.
    return _OPEN if status.state == "running" else None
