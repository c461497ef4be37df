"""What the platform offers a merchant: balances, operators, methods and their limits.

All of these are frozen values: they compare and hash by value, pickle, copy and match. Codes are open lists: one that
this version does not know comes as it is.

Example:

    >>> balance = Balance(
    ...     balance=Money("250", "USD"), available=Money("200", "USD"),
    ...     pending_settlement=Money("0", "USD"), pending_payout=Money("50", "USD"))
    >>> match balance:
    ...     case Balance(available=Money(amount, "USD")):
    ...         print(amount)
    200
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from komopay._native import Money

__all__ = [
    "AmountLimit",
    "Balance",
    "CustomerFee",
    "MerchantInfo",
    "PaymentOperator",
    "PaymentOption",
    "PaymentOptionOperator",
    "PayoutOperator",
    "PayoutOption",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the merchant has in one currency, in major units.

    Example:

        >>> with Client.from_env() as client:
        ...     balance, = client.balances("IDR")
        >>> balance.available.currency
        'IDR'
    """

    balance: Money
    """All of it; it may still contain pending payouts and settlements."""
    available: Money
    """What can be spent now: the balance without what is pending."""
    pending_settlement: Money
    """Waits to be settled."""
    pending_payout: Money
    """Held for payouts that are not final."""
    last_movement: datetime | None = None
    """When it last moved."""
    raw: str = field(default="", repr=False)
    """This entry's JSON as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFee:
    """The range of a fee that the customer pays on top of the amount.

    Example:

        >>> CustomerFee(min=Money("1", "USD"), max=None)
        CustomerFee(min=Money('1', 'USD'), max=None)
    """

    min: Money | None
    """At least this."""
    max: Money | None
    """At most this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOperator:
    """An operator of a payout option.

    Example:

        >>> PayoutOperator(code="BNK_000").code  # what a BankTransfer takes as operator_code
        'BNK_000'
    """

    code: str
    """The code to put into a request's method."""
    name: str | None = None
    """The name for people."""
    customer_fee: CustomerFee | None = None
    """What the customer pays on top, if anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOption:
    """A way to pay out some money now.

    Example:

        >>> with Client.from_env() as client:
        ...     options = client.payout_options(Money("10000", "IDR"))
        >>> "BANK_TRANSFER" in [option.method_code for option in options]
        True
    """

    method_code: str
    """The method, such as BANK_TRANSFER. The list is open."""
    operators: tuple[PayoutOperator, ...]
    """The operators it works through."""
    segment_code: str | None = None
    """The segment it is for, if any."""
    raw: str = field(default="", repr=False)
    """This entry's JSON as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOperator:
    """A bank, wallet or blockchain.

    Example:

        >>> with Client.from_env() as client:
        ...     operators = {operator.code: operator.name for operator in client.payment_operators()}
        >>> "BNK_000" in operators
        True
    """

    code: str
    """Its code."""
    name: str | None = None
    """The name for people."""
    raw: str = field(default="", repr=False)
    """This entry's JSON as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountLimit:
    """How much one payment may be. Whether the ends are included is not published.

    Example:

        >>> limit = AmountLimit(from_=Money("10000", "IDR"), to=None)
        >>> limit.to is None  # no upper limit
        True
    """

    from_: Money | None
    """Not below this (on the wire: `from`, a word that Python keeps for itself)."""
    to: Money | None
    """Not above this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOptionOperator:
    """An operator of a payment option.

    Example:

        >>> operator = PaymentOptionOperator(
        ...     code="BNK_000", is_available=True, limit=AmountLimit(from_=None, to=Money("5000000", "IDR")))
        >>> operator.limit.to
        Money('5000000', 'IDR')
    """

    code: str
    """Its code."""
    name: str | None = None
    """The name for people."""
    is_available: bool
    """False means that it has to be activated in the back office first."""
    limit: AmountLimit
    """How much one payment through it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOption:
    """A combination of direction, method and currency, with its limits.

    Example:

        >>> with Client.from_env() as client:
        ...     options = client.payment_options(type_code="PAYOUT", currencies=["IDR"])
        >>> {option.currency for option in options}
        {'IDR'}
    """

    type_code: str
    """The direction, seen from the merchant: PAYIN or PAYOUT. The list is open."""
    method_code: str
    """The method, such as BANK_TRANSFER. The list is open."""
    currency: str
    """The currency code."""
    segment_code: str | None = None
    """The segment it is for, if any."""
    limit: AmountLimit
    """How much one payment may be."""
    is_available: bool
    """False means that it has to be activated in the back office first."""
    operators: tuple[PaymentOptionOperator, ...]
    """The operators it works through."""
    raw: str = field(default="", repr=False)
    """This entry's JSON as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantInfo:
    """The merchant, as it is shown to customers.

    Example:

        >>> with Client.from_env() as client:
        ...     name = client.merchant_info().name
        >>> len(name) > 0
        True
    """

    name: str
    """The name of the merchant's channel."""
    raw: str = field(default="", repr=False)
    """The answer's JSON as it came."""
