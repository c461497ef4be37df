"""What every program of this folder pays."""

from __future__ import annotations

from komopay import BankAccount, BankTransfer, Money, PayoutRequest

# The number is a canary: the task runner looks for it in everything that the programs say.
SALARY = PayoutRequest(
    money=Money("10000", "IDR"),
    method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="550066007700")),
)
