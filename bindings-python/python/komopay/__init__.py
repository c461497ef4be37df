"""Payouts through the KomoPay platform, made exactly once.

    from komopay import BankAccount, BankTransfer, Client, Money, PayoutRequest, SANDBOX_URL

    with Client(merchant_code="...", secret="...", base_url=SANDBOX_URL) as client:
        client.create_payout("TST-223344", PayoutRequest(
            money=Money("10000", "IDR"),
            method=BankTransfer(operator_code="BNK_000", email_address="customer@test.com",
                                account=BankAccount(name="Test account", number="11223344")),
            callback_url="https://callback.example.com"))
        payout = client.wait_for_payout("TST-223344", timeout=60)
        print(payout.status, payout.fee)

Store the id before the first call. After OutcomeUnknownError, a crash or a job that is run again, make the same call
with ``resume=True``.
"""

from komopay._native import (
    SANDBOX_URL,
    Attempt,
    BankAccount,
    BankTransfer,
    Client,
    CryptoAccount,
    CryptoTransfer,
    FailureReason,
    Money,
    Payout,
    PayoutAccepted,
    PayoutRequest,
    PayoutStatus,
    Reason,
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
    "Attempt",
    "AuthenticationError",
    "BankAccount",
    "BankTransfer",
    "Client",
    "ClosedError",
    "ConfigurationError",
    "CryptoAccount",
    "CryptoTransfer",
    "DuplicatePayoutError",
    "FailureReason",
    "InternalError",
    "InvalidRequestError",
    "KomopayError",
    "Money",
    "NotFinalError",
    "NotFoundError",
    "OutcomeUnknownError",
    "Payout",
    "PayoutAccepted",
    "PayoutRequest",
    "PayoutStatus",
    "PermissionDeniedError",
    "RateLimitedError",
    "Reason",
    "RejectedError",
    "TimedOutError",
    "UnavailableError",
    "UnexpectedResponseError",
    "WalletAccount",
    "WalletTransfer",
    "__version__",
]
