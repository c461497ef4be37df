"""How a wait for one of many payouts ended: what `wait_for_payouts` gives."""

from __future__ import annotations

from komopay._native import Payout
from komopay._record import Record
from komopay.errors import KomopayError

__all__ = ["WaitedPayout"]


class WaitedPayout(Record):
    """A payout that is final, or why that could not be seen. One of `payout` and `error` is None.

    Example:

        >>> with Client.from_env() as client:
        ...     for waited in client.wait_for_payouts(["TST-0"], timeout=1):
        ...         print(waited.payout_id, waited.payout is None, waited.error.retryable)
        TST-0 True True
    """

    payout_id: str
    """The merchant's id."""
    payout: Payout | None = None
    """The payout, which is final."""
    error: KomopayError | None = None
    """As `wait_for_payout` would have raised it: `NotFinalError` has the last payout that was seen."""

    def result(self) -> Payout:
        """The payout.

        Errors: the error, raised, if there is one.

        Example:

            >>> WaitedPayout(payout_id="TST-0", error=NotFoundError("no such payout")).result()
            Traceback (most recent call last):
            komopay.errors.NotFoundError: no such payout
        """
        if self.payout is None:
            raise self.error or AssertionError("neither a payout nor an error")
        return self.payout
