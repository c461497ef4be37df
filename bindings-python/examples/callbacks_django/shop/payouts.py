"""What is done for each change of a payout: `HANDLER` in the settings."""

from komopay import PayoutChange

from .tasks import tell_customer


def on_change(change: PayoutChange) -> None:
    """Called for each change. When it returns, the change is acknowledged: by then Celery has it."""
    tell_customer.delay(change)  # pyright: ignore[reportFunctionMemberAccess, reportAny]
