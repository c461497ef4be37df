"""The private native module of `komopay-testing`. Import from `komopay.testing` instead."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias, final

from typing_extensions import Self

from komopay import Money

__all__ = ["Sandbox", "__version__", "magic_numbers", "operations", "run_program"]

__version__: Final[str]
"""The version of this package."""

_Seconds: TypeAlias = float | timedelta
_Attempt: TypeAlias = tuple[
    int,
    datetime,
    str,
    str | None,
    int,
    str,
    Literal["answered", "answer_lost", "failed", "lost", "withheld"],
    int | None,
    str | None,
]
"""Sequence, at, payout_id, status, attempt, url, outcome, http_status, reason."""

@final
class Sandbox:
    """A running stand-in gateway. `komopay.testing.Sandbox` is its front."""

    def __new__(
        cls,
        *,
        processing_time: _Seconds,
        seed: int,
        merchant_code: str | None,
        secret: str | None,
        balances: Mapping[str, str | int | Decimal] | None,
        port: int,
        control: bool,
        forge_to_ports: Iterable[int],
        callback_interval: _Seconds,
        callback_on_create: bool,
        deliver_to_any_host: bool,
    ) -> Self: ...
    @property
    def address(self) -> tuple[str, str, str, str | None]:
        """Where it listens, the merchant code and secret it accepts, and the token of its control API."""

    def ledger(self) -> list[tuple[int, datetime, Literal["executed", "booked", "released"], str, Money, str]]:
        """What happened to money so far: (sequence, at, kind, payout_id, money, payee_hash)."""

    def balance(self, currency: str) -> tuple[Money, Money, Money] | None:
        """Balance, available and pending in payouts; None without an account in the currency."""

    def calls(self, operation: str) -> int:
        """How many calls of an operation have arrived."""

    def inject(self, fault: str) -> None:
        """Breaks something, said in the JSON of the control API."""

    def inject_into_callbacks(self, fault: str) -> None:
        """Lets something go wrong with callbacks, said in the JSON of the control API."""

    def deliveries(self) -> list[_Attempt]:
        """The delivery log."""

    def wait_for_deliveries(self, timeout: _Seconds) -> bool:
        """Waits until every callback is delivered or given up; whether that came in time."""

    def change_status(self, payout_id: str, status: str, failure: str | None) -> None:
        """Gives a payout a final status, and sends the callback of that."""

    def send_callback(self, payout_id: str) -> None:
        """Sends a callback about a payout, though nothing has changed."""

    def forge_callback(self, payout_id: str, url: str) -> _Attempt:
        """Sends a callback that no payout asked for; what became of it."""

    def advance(self, time: _Seconds) -> None:
        """Puts the clock forward."""

    def clear_faults(self) -> None:
        """Breaks nothing any more."""

    def set_merchant_active(self, active: bool) -> None:
        """Switches the merchant on or off."""

    def idle(self) -> None:
        """Returns when nothing is pending."""

    def stop(self) -> None:
        """Stops. The ledger and the balances can be read afterwards."""

def run_program(arguments: list[str]) -> int:
    """Runs the sandbox's program until it is stopped; returns its exit code."""

def operations() -> list[str]:
    """The operations of the merchant API, by the names that faults and counts know."""

def magic_numbers() -> list[tuple[str, str, str | None]]:
    """The account numbers that decide how a payout ends: (digits, status, failure reason)."""
