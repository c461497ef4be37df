"""The codes of payouts and errors. Each list is open: what is not known is kept as it came.

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
    "Concern",
    "ErrorKind",
    "FailureCode",
    "MethodCode",
    "PaymentTypeCode",
    "PayoutStatus",
]


class Concern(Code):
    """Whom an error concerns: whether the next payout would meet it, too.

    Example:

        >>> Concern("merchant") is Concern.MERCHANT, Concern.MERCHANT == "merchant"
        (True, True)
        >>> Concern("another").is_known
        False
    """

    MERCHANT: ClassVar[Concern]
    """The merchant, its credentials or the settings. No payout is to blame: stop, mend that, and make the same calls
    again."""
    PAYOUT: ClassVar[Concern]
    """This payout: its id, or what its request says. Others are not touched by it."""


Concern.MERCHANT = Concern._member("merchant")
Concern.PAYOUT = Concern._member("payout")


class ErrorKind(Code):
    """What went wrong, in the terms of the merchant's next step.

    Example:

        >>> ErrorKind("configuration") is ErrorKind.CONFIGURATION, ErrorKind.CONFIGURATION == "configuration"
        (True, True)
        >>> ErrorKind("another").is_known
        False
    """

    CONFIGURATION: ClassVar[ErrorKind]
    """Unusable settings, a proxy that refuses its password, or a server certificate that does not verify."""
    INVALID_REQUEST: ClassVar[ErrorKind]
    """Refused before sending, naming the `field`; or HTTP 400."""
    AUTHENTICATION: ClassVar[ErrorKind]
    """The credentials or the token were not accepted."""
    PERMISSION_DENIED: ClassVar[ErrorKind]
    """The token does not allow this call."""
    REJECTED: ClassVar[ErrorKind]
    """A business rule said no (HTTP 406): see `reasons`."""
    DUPLICATE_PAYOUT: ClassVar[ErrorKind]
    """The id is taken by a payout that is not provably this call's: see `payout`."""
    NOT_FOUND: ClassVar[ErrorKind]
    """No such thing on the platform."""
    RATE_LIMITED: ClassVar[ErrorKind]
    """Too many requests, and no time left to wait."""
    UNAVAILABLE: ClassVar[ErrorKind]
    """The platform could not be reached, or answered a read with a server fault; or the store of changes failed."""
    TIMED_OUT: ClassVar[ErrorKind]
    """The deadline passed, and nothing was sent or it was a read."""
    NOT_FINAL: ClassVar[ErrorKind]
    """The payout was not final when the waiting time was over: see `payout`."""
    UNEXPECTED_RESPONSE: ClassVar[ErrorKind]
    """An answer, not to a create, that cannot be understood."""
    OUTCOME_UNKNOWN: ClassVar[ErrorKind]
    """A create may have reached the platform and could not be settled in time: the payout may exist. Call again with
    the same id, the same request and `resume`."""
    INVALID_CALLBACK: ClassVar[ErrorKind]
    """A callback that is not the platform's answer to a URL of ours: see `field`."""
    CLOSED: ClassVar[ErrorKind]
    """The client was closed."""
    INTERNAL: ClassVar[ErrorKind]
    """A fault of this SDK."""


ErrorKind.CONFIGURATION = ErrorKind._member("configuration")
ErrorKind.INVALID_REQUEST = ErrorKind._member("invalid_request")
ErrorKind.AUTHENTICATION = ErrorKind._member("authentication")
ErrorKind.PERMISSION_DENIED = ErrorKind._member("permission_denied")
ErrorKind.REJECTED = ErrorKind._member("rejected")
ErrorKind.DUPLICATE_PAYOUT = ErrorKind._member("duplicate_payout")
ErrorKind.NOT_FOUND = ErrorKind._member("not_found")
ErrorKind.RATE_LIMITED = ErrorKind._member("rate_limited")
ErrorKind.UNAVAILABLE = ErrorKind._member("unavailable")
ErrorKind.TIMED_OUT = ErrorKind._member("timed_out")
ErrorKind.NOT_FINAL = ErrorKind._member("not_final")
ErrorKind.UNEXPECTED_RESPONSE = ErrorKind._member("unexpected_response")
ErrorKind.OUTCOME_UNKNOWN = ErrorKind._member("outcome_unknown")
ErrorKind.INVALID_CALLBACK = ErrorKind._member("invalid_callback")
ErrorKind.CLOSED = ErrorKind._member("closed")
ErrorKind.INTERNAL = ErrorKind._member("internal")


class FailureCode(Code):
    """Why a payout failed or was refused (contract: `FailureReasonCode`). Some codes concern incoming money only.

    Example:

        >>> FailureCode("SYSTEM") is FailureCode.SYSTEM, FailureCode.SYSTEM == "SYSTEM"
        (True, True)
        >>> FailureCode("another").is_known
        False
    """

    SYSTEM: ClassVar[FailureCode]
    """A fault of the platform."""
    PAYMENT_PROCESS_ERROR: ClassVar[FailureCode]
    """Processing went wrong."""
    ENTITY_EXPIRED: ClassVar[FailureCode]
    """The payment expired."""
    DIFFERENT_AMOUNT_CONFIRMED: ClassVar[FailureCode]
    """Another amount was confirmed."""
    CURRENCY_NOT_SUPPORTED: ClassVar[FailureCode]
    """The currency is not supported."""
    CURRENCY_PRECISION_EXCEEDED: ClassVar[FailureCode]
    """More decimals than the currency allows."""
    PAYMENT_METHOD_NOT_FOUND: ClassVar[FailureCode]
    """The payment method does not exist."""
    PAYMENT_METHOD_ERROR: ClassVar[FailureCode]
    """The payment method failed."""
    PAYMENT_OPERATOR_NOT_FOUND: ClassVar[FailureCode]
    """The operator does not exist."""
    PAYMENT_OPERATOR_INVALID: ClassVar[FailureCode]
    """The operator does not fit the method."""
    PAYMENT_OPERATOR_UNAVAILABLE: ClassVar[FailureCode]
    """The operator is out of service."""
    PAYMENT_CHANNEL_NO_ACTIVE_FOUND: ClassVar[FailureCode]
    """No active channel."""
    PAYMENT_CHANNEL_NO_OPENED_FOUND: ClassVar[FailureCode]
    """No open channel."""
    PAYMENT_CHANNEL_NO_SEGMENT_FOUND: ClassVar[FailureCode]
    """No channel for the segment."""
    PAYMENT_CHANNEL_AMOUNT_LIMITS: ClassVar[FailureCode]
    """Outside the limits of the channel."""
    PAYMENT_CHANNEL_DAILY_LIMITS: ClassVar[FailureCode]
    """Over the daily limit of the channel."""
    IP_DENIED: ClassVar[FailureCode]
    """The customer's IP address is blocked."""
    BALANCE_INSUFFICIENT: ClassVar[FailureCode]
    """The merchant's balance is too small."""
    INVALID_ACCOUNT_NUMBER: ClassVar[FailureCode]
    """The account number does not exist."""
    INVALID_ACCOUNT_NAME: ClassVar[FailureCode]
    """The account name does not fit the number."""
    INCORRECT_CURRENCY: ClassVar[FailureCode]
    """The account has another currency."""


FailureCode.SYSTEM = FailureCode._member("SYSTEM")
FailureCode.PAYMENT_PROCESS_ERROR = FailureCode._member("PAYMENT_PROCESS_ERROR")
FailureCode.ENTITY_EXPIRED = FailureCode._member("ENTITY_EXPIRED")
FailureCode.DIFFERENT_AMOUNT_CONFIRMED = FailureCode._member("DIFFERENT_AMOUNT_CONFIRMED")
FailureCode.CURRENCY_NOT_SUPPORTED = FailureCode._member("CURRENCY_NOT_SUPPORTED")
FailureCode.CURRENCY_PRECISION_EXCEEDED = FailureCode._member("CURRENCY_PRECISION_EXCEEDED")
FailureCode.PAYMENT_METHOD_NOT_FOUND = FailureCode._member("PAYMENT_METHOD_NOT_FOUND")
FailureCode.PAYMENT_METHOD_ERROR = FailureCode._member("PAYMENT_METHOD_ERROR")
FailureCode.PAYMENT_OPERATOR_NOT_FOUND = FailureCode._member("PAYMENT_OPERATOR_NOT_FOUND")
FailureCode.PAYMENT_OPERATOR_INVALID = FailureCode._member("PAYMENT_OPERATOR_INVALID")
FailureCode.PAYMENT_OPERATOR_UNAVAILABLE = FailureCode._member("PAYMENT_OPERATOR_UNAVAILABLE")
FailureCode.PAYMENT_CHANNEL_NO_ACTIVE_FOUND = FailureCode._member("PAYMENT_CHANNEL_NO_ACTIVE_FOUND")
FailureCode.PAYMENT_CHANNEL_NO_OPENED_FOUND = FailureCode._member("PAYMENT_CHANNEL_NO_OPENED_FOUND")
FailureCode.PAYMENT_CHANNEL_NO_SEGMENT_FOUND = FailureCode._member("PAYMENT_CHANNEL_NO_SEGMENT_FOUND")
FailureCode.PAYMENT_CHANNEL_AMOUNT_LIMITS = FailureCode._member("PAYMENT_CHANNEL_AMOUNT_LIMITS")
FailureCode.PAYMENT_CHANNEL_DAILY_LIMITS = FailureCode._member("PAYMENT_CHANNEL_DAILY_LIMITS")
FailureCode.IP_DENIED = FailureCode._member("IP_DENIED")
FailureCode.BALANCE_INSUFFICIENT = FailureCode._member("BALANCE_INSUFFICIENT")
FailureCode.INVALID_ACCOUNT_NUMBER = FailureCode._member("INVALID_ACCOUNT_NUMBER")
FailureCode.INVALID_ACCOUNT_NAME = FailureCode._member("INVALID_ACCOUNT_NAME")
FailureCode.INCORRECT_CURRENCY = FailureCode._member("INCORRECT_CURRENCY")


class MethodCode(Code):
    """How the money reaches the payee (contract: `PaymentMethodCode`).

    Example:

        >>> MethodCode("BANK_TRANSFER") is MethodCode.BANK_TRANSFER, MethodCode.BANK_TRANSFER == "BANK_TRANSFER"
        (True, True)
        >>> MethodCode("another").is_known
        False
    """

    BANK_TRANSFER: ClassVar[MethodCode]
    """To a bank account."""
    CRYPTO_TRANSFER: ClassVar[MethodCode]
    """To a crypto wallet."""
    WALLET_TRANSFER: ClassVar[MethodCode]
    """To an electronic wallet."""


MethodCode.BANK_TRANSFER = MethodCode._member("BANK_TRANSFER")
MethodCode.CRYPTO_TRANSFER = MethodCode._member("CRYPTO_TRANSFER")
MethodCode.WALLET_TRANSFER = MethodCode._member("WALLET_TRANSFER")


class PaymentTypeCode(Code):
    """The direction of a payment, seen from the merchant (contract: `PaymentTypeCode`).

    Example:

        >>> PaymentTypeCode("PAYIN") is PaymentTypeCode.PAYIN, PaymentTypeCode.PAYIN == "PAYIN"
        (True, True)
        >>> PaymentTypeCode("another").is_known
        False
    """

    PAYIN: ClassVar[PaymentTypeCode]
    """Money comes in."""
    PAYOUT: ClassVar[PaymentTypeCode]
    """Money goes out."""


PaymentTypeCode.PAYIN = PaymentTypeCode._member("PAYIN")
PaymentTypeCode.PAYOUT = PaymentTypeCode._member("PAYOUT")


class PayoutStatus(Code):
    """Where a payout stands (contract: `PaymentStatus`).

    Example:

        >>> PayoutStatus("PROCESSING") is PayoutStatus.PROCESSING, PayoutStatus.PROCESSING == "PROCESSING"
        (True, True)
        >>> PayoutStatus("another").is_known
        False
    """

    PROCESSING: ClassVar[PayoutStatus]
    """The outcome is still open."""
    SUCCESS: ClassVar[PayoutStatus]
    """The money was sent."""
    FAILED: ClassVar[PayoutStatus]
    """Accepted, then failed: see the failure reason."""
    REFUSED: ClassVar[PayoutStatus]
    """The platform declined to process it."""


PayoutStatus.PROCESSING = PayoutStatus._member("PROCESSING")
PayoutStatus.SUCCESS = PayoutStatus._member("SUCCESS")
PayoutStatus.FAILED = PayoutStatus._member("FAILED")
PayoutStatus.REFUSED = PayoutStatus._member("REFUSED")
