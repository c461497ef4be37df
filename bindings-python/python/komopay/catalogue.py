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

from datetime import datetime

from komopay._native import Money, _Argument, _fields_of_catalogue, _json, _plain, _read_catalogue
from komopay._record import Record, hidden
from komopay.codes import MethodCode, PaymentTypeCode

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import cast

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema
    from typing_extensions import Self
else:

    def cast(_: object, value: object) -> object:
        return value


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


class Value(Record):
    """What all values of the catalogue can do: become plain data, and be made again of it, or with other fields."""

    __slots__ = ()

    def to_dict(self, *, include_personal: bool = False) -> dict[str, object]:
        """This value as plain data, which JSON can hold: its fields by their names. `from_dict` gives it back.

        Nothing of it is personal; `include_personal` is there as on every value.

        Example:

            >>> PaymentOperator(code="BNK_000", name="Bank").to_dict()
            {'code': 'BNK_000', 'name': 'Bank', 'raw': ''}
        """
        _ = _Argument("include_personal").truth(include_personal)
        return {name: _plain(cast("object", getattr(self, name))) for name in self._types}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """The value of plain data, as `to_dict` gives it. Fields that are not known are passed over.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> PayoutOperator.from_dict({"code": "BNK_000"})
            PayoutOperator(code='BNK_000', name=None, customer_fee=None)
        """
        return cast("Self", _read_catalogue(cls.__name__, data))

    def to_json(self, *, include_personal: bool = False) -> str:
        """The JSON of `to_dict`.

        Example:

            >>> MerchantInfo(name="Shop").to_json()
            '{"name": "Shop", "raw": ""}'
        """
        import json

        return json.dumps(self.to_dict(include_personal=include_personal))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The value of JSON, as `from_dict`.

        Example:

            >>> MerchantInfo.from_json('{"name": "Shop"}').name
            'Shop'
        """
        return cls.from_dict(_json(text))

    def replace(self, **others: object) -> Self:
        """The same value with other fields; `copy.replace` does this too.

        Example:

            >>> MerchantInfo(name="Shop").replace(name="Other shop").name
            'Other shop'
        """
        return self.__replace__(**others)

    @classmethod
    def _fields(cls) -> list[tuple[str, object, str, bool]]:
        return _fields_of_catalogue(cls.__name__)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        from komopay import _pydantic

        return _pydantic.core_schema_of(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, handler: GetJsonSchemaHandler) -> dict[str, object]:
        from komopay import _pydantic

        return _pydantic.json_schema_of(cls, handler)


class Balance(Value):
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
    raw: str = hidden(default="")
    """This entry's JSON as it came."""


class CustomerFee(Value):
    """The range of a fee that the customer pays on top of the amount.

    Example:

        >>> CustomerFee(min=Money("1", "USD"), max=None)
        CustomerFee(min=Money('1', 'USD'), max=None)
    """

    min: Money | None
    """At least this."""
    max: Money | None
    """At most this."""


class PayoutOperator(Value):
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


class PayoutOption(Value):
    """A way to pay out some money now.

    Example:

        >>> with Client.from_env() as client:
        ...     options = client.payout_options(Money("10000", "IDR"))
        >>> "BANK_TRANSFER" in [option.method_code for option in options]
        True
    """

    method_code: MethodCode
    """The method, such as BANK_TRANSFER. The list is open."""
    operators: tuple[PayoutOperator, ...]
    """The operators it works through."""
    segment_code: str | None = None
    """The segment it is for, if any."""
    raw: str = hidden(default="")
    """This entry's JSON as it came."""


class PaymentOperator(Value):
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
    raw: str = hidden(default="")
    """This entry's JSON as it came."""


class AmountLimit(Value):
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


class PaymentOptionOperator(Value):
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


class PaymentOption(Value):
    """A combination of direction, method and currency, with its limits.

    Example:

        >>> with Client.from_env() as client:
        ...     options = client.payment_options(type_code="PAYOUT", currencies=["IDR"])
        >>> {option.currency for option in options}
        {'IDR'}
    """

    type_code: PaymentTypeCode
    """The direction, seen from the merchant: PAYIN or PAYOUT. The list is open."""
    method_code: MethodCode
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
    raw: str = hidden(default="")
    """This entry's JSON as it came."""


class MerchantInfo(Value):
    """The merchant, as it is shown to customers.

    Example:

        >>> with Client.from_env() as client:
        ...     name = client.merchant_info().name
        >>> len(name) > 0
        True
    """

    name: str
    """The name of the merchant's channel."""
    raw: str = hidden(default="")
    """The answer's JSON as it came."""
