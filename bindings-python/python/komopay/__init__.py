"""Payouts through the KomoPay platform, made exactly once. A tour:

**Pay and follow.** One payout has one id for ever: store it before the first call.

    >>> from komopay import BankAccount, BankTransfer, Client, Money, PayoutRequest
    >>> client = Client.from_env()  # or Client(merchant_code="...", secret="...", base_url=SANDBOX_URL)
    >>> request = PayoutRequest(
    ...     money=Money("10000", "IDR"),
    ...     method=BankTransfer(operator_code="BNK_000", email_address="customer@test.com",
    ...                         account=BankAccount(name="Test account", number="11223344")),
    ...     callback_url="https://callback.example.com")
    >>> accepted = client.create_payout("TST-223344", request)  # the platform took it
    >>> payout = client.wait_for_payout("TST-223344", timeout=60)  # and this is how it ended
    >>> payout.status, payout.fee
    ('SUCCESS', Money('100', 'IDR'))

**When it is not known.** `OutcomeUnknownError` says that the payout may exist. After it, after a crash and in a job
that is run again, make the same call with `resume=True`: it finds what was made, and never pays twice. The payee is the
one thing the platform does not repeat, so keep the request's fingerprint beside the id.

    >>> client.create_payout("TST-223344", request, resume=True).recovered
    True
    >>> len(request.fingerprint(b"a key of my own, kept like a password"))
    64

**Errors** are `KomopayError`, one class for each kind. What to do next is in `retryable` and `money_may_have_moved`.

    >>> try:
    ...     client.create_payout("TST-223345", PayoutRequest(money=Money("0", "IDR"), method=request.method))
    ... except KomopayError as error:
    ...     print(error.kind, error.field, error.retryable, error.money_may_have_moved)
    invalid_request money.amount False False

**Money** is exact: a `str`, an `int` or a `Decimal` goes in, a `Decimal` comes out; a float is refused.

    >>> Money("42", "IDR") == Money("42.00", "IDR")
    True

Money of one currency is added, compared and summed up exactly.

    >>> sum([Money("0.10", "USD"), Money("0.20", "USD")])
    Money('0.30', 'USD')

**Codes** are strings of open lists: equal to their text, and what this version does not know is kept.

    >>> payout.status is PayoutStatus.SUCCESS, payout.status == "SUCCESS", PayoutStatus("NEW").is_known
    (True, True, False)

**Values** are frozen; they compare and hash by value, copy, match and pickle. A repr hides the person and masks
the account.

    >>> request.method.account
    BankAccount(name=[hidden], number=****3344)
    >>> match payout:
    ...     case Payout("TST-223344", "SUCCESS", Money(amount, "IDR")):
    ...         print(amount)
    10000

**Data**: every value and every error becomes plain data or JSON, and comes back; `replace` gives it other fields. What
holds a person is written only with `include_personal=True`. pydantic and FastAPI know every value, and so does Celery
after `komopay.celery.register_types()`.

    >>> Payout.from_json(payout.to_json()).money
    Money('10000', 'IDR')
    >>> request.replace(money=Money("20000", "IDR")).to_dict(include_personal=True)["money"]
    {'amount': '20000', 'currency': 'IDR'}

**What can be paid**, and from what: `payout_options`, `balances`, `currencies`, `segments`, `payment_operators`,
`payment_methods`, `payment_options`, `merchant_info`.

    >>> balance, = client.balances("IDR")
    >>> balance.available.currency
    'IDR'

**A token for a mobile app** allows one payout of one sum; the app makes a client of it, without your secret.

    >>> token = client.issue_token(AccessScope.payout("TST-223346", Money("500", "IDR")), validity=600)

**asyncio**: `AsyncClient` has the same methods. A cancelled create is read to its end in the background.

    >>> async def look() -> str:
    ...     async with AsyncClient.from_env() as client:
    ...         return (await client.get_payout("TST-223344")).status
    >>> asyncio.run(look())
    'SUCCESS'

**The end**: `close()`, or a `with` block, waits for creates on the wire.

    >>> client.close()
"""

# Before the native module: it refuses the interpreters in which that cannot live.
from komopay import _interpreter as _interpreter

# Not typing's own, whose import costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from komopay.aio import AsyncClient
    from komopay.catalogue import (
        AmountLimit,
        Balance,
        CustomerFee,
        MerchantInfo,
        PaymentOperator,
        PaymentOption,
        PaymentOptionOperator,
        PayoutOperator,
        PayoutOption,
    )
    from komopay.codes import Concern, ErrorKind, FailureCode, MethodCode, PaymentTypeCode, PayoutStatus
    from komopay.personal import IncludePersonal
    from komopay.waits import WaitedPayout

from komopay._native import (
    SANDBOX_URL,
    AccessScope,
    AccessToken,
    Attempt,
    BankAccount,
    BankTransfer,
    Callback,
    Client,
    CryptoAccount,
    CryptoTransfer,
    FailureReason,
    MemoryChangeStore,
    Money,
    Payout,
    PayoutAccepted,
    PayoutChange,
    PayoutRequest,
    PayoutWaits,
    PostgresChangeStore,
    Reason,
    SqliteChangeStore,
    WalletAccount,
    WalletTransfer,
    __version__,
)
from komopay.errors import (
    AuthenticationError,
    ClosedError,
    ConfigurationError,
    DuplicatePayoutError,
    InternalError,
    InvalidCallbackError,
    InvalidRequestError,
    KomopayError,
    NotFinalError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitedError,
    RejectedError,
    TimedOutError,
    UnavailableError,
    UnexpectedResponseError,
)

__all__ = [
    "SANDBOX_URL",
    "AccessScope",
    "AccessToken",
    "AmountLimit",
    "AsyncClient",
    "Attempt",
    "AuthenticationError",
    "Balance",
    "BankAccount",
    "BankTransfer",
    "Callback",
    "Client",
    "ClosedError",
    "Concern",
    "ConfigurationError",
    "CryptoAccount",
    "CryptoTransfer",
    "CustomerFee",
    "DuplicatePayoutError",
    "ErrorKind",
    "FailureCode",
    "FailureReason",
    "IncludePersonal",
    "InternalError",
    "InvalidCallbackError",
    "InvalidRequestError",
    "KomopayError",
    "MemoryChangeStore",
    "MerchantInfo",
    "MethodCode",
    "Money",
    "NotFinalError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PaymentOperator",
    "PaymentOption",
    "PaymentOptionOperator",
    "PaymentTypeCode",
    "Payout",
    "PayoutAccepted",
    "PayoutChange",
    "PayoutOperator",
    "PayoutOption",
    "PayoutRequest",
    "PayoutStatus",
    "PayoutWaits",
    "PermissionDeniedError",
    "PostgresChangeStore",
    "RateLimitedError",
    "Reason",
    "RejectedError",
    "SqliteChangeStore",
    "TimedOutError",
    "UnavailableError",
    "UnexpectedResponseError",
    "WaitedPayout",
    "WalletAccount",
    "WalletTransfer",
    "__version__",
]

# Loaded at first use, or with the first client (`_needed.py`): the lists of codes alone would take a third of the
# import of this package. `AsyncClient` brings asyncio's own imports, which many programs never need.
_LAZY = (
    {"AsyncClient": "aio", "IncludePersonal": "personal", "WaitedPayout": "waits"}
    | dict.fromkeys(
        ("Concern", "ErrorKind", "FailureCode", "MethodCode", "PaymentTypeCode", "PayoutStatus"),
        "codes",
    )
    | dict.fromkeys(
        (
            "AmountLimit",
            "Balance",
            "CustomerFee",
            "MerchantInfo",
            "PaymentOperator",
            "PaymentOption",
            "PaymentOptionOperator",
            "PayoutOperator",
            "PayoutOption",
        ),
        "catalogue",
    )
)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'komopay' has no attribute {name!r}")
    import sys

    # Not by `importlib`, which a process that gives up its rights may not have loaded before.
    _ = __import__(f"komopay.{_LAZY[name]}")  # pyright: ignore[reportAny]
    value: object = getattr(sys.modules[f"komopay.{_LAZY[name]}"], name)  # pyright: ignore[reportAny]
    globals()[name] = value
    return value


def _imported_by_name() -> tuple[object, ...]:  # pyright: ignore[reportUnusedFunction]
    """Is never called: what the native module imports by name, and this one at first use.

    PyInstaller, Nuitka and cx_Freeze put into an application what they see imported in its code, and see this.
    """
    import asyncio
    import atexit
    import contextvars
    import multiprocessing.util
    import os
    import sys

    from komopay import _needed, aio, telemetry

    return (asyncio, atexit, contextvars, multiprocessing.util, os, sys, _needed, aio, telemetry)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
