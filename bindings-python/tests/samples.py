"""A value of every class and an error of every kind, with everything that it can hold."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from gateway import ACCOUNT_NUMBER

import komopay
from komopay import (
    AccessScope,
    AmountLimit,
    Attempt,
    Balance,
    BankAccount,
    BankTransfer,
    Callback,
    CryptoAccount,
    CryptoTransfer,
    CustomerFee,
    FailureReason,
    KomopayError,
    MerchantInfo,
    MethodCode,
    Money,
    PaymentOperator,
    PaymentOption,
    PaymentOptionOperator,
    PaymentTypeCode,
    Payout,
    PayoutAccepted,
    PayoutChange,
    PayoutOperator,
    PayoutOption,
    PayoutRequest,
    Reason,
    WalletAccount,
    WalletTransfer,
    errors,
)

MOMENT = datetime(2030, 1, 31, 12, 0, 0, 250_001, timezone.utc)
IDR, USD = Money("10000", "IDR"), Money("42.05", "USD")

NAME = "Nama Canary"
"""Who gets the money, in every sample that holds a person."""

BANK = BankTransfer(
    operator_code="BNK_000",
    account=BankAccount(
        name=NAME,
        number=ACCOUNT_NUMBER,
        account_type="SAVINGS",
        bank_code="C",
        bank_name="N",
        bank_branch="B",
        bank_city="Y",
        bank_province="P",
    ),
    email_address="mail@canary.example",
    remark="remark-canary",
)
CRYPTO = CryptoTransfer(operator_code="BTC", account=CryptoAccount(number=ACCOUNT_NUMBER), remark="remark-canary")
WALLET = WalletTransfer(
    account=WalletAccount(name=NAME, number=f"{ACCOUNT_NUMBER}@ovo"),
    operator_code="OVO",
    phone_number="+6281canary",
    remark="remark-canary",
)
REQUEST = PayoutRequest(
    money=IDR,
    method=BANK,
    segment_code="VIP",
    exchanged_to_currency="USD",
    callback_url="https://shop.example/hook",
    customer_ip="192.0.2.1",
)
ATTEMPT = Attempt(
    operation="POST /payouts/TST-1",
    started_at=MOMENT,
    duration=timedelta(milliseconds=1500, microseconds=1),
    http_status=503,
    request_id="req-1",
)
RAW = f'{{"message": "no account {ACCOUNT_NUMBER}"}}'
PAYOUT = Payout(
    payout_id="TST-1",
    money=IDR,
    method_code="BANK_TRANSFER",
    status="FAILED",
    payment_id="P-1",
    reference="R-1",
    segment_code="VIP",
    exchanged_to_currency="USD",
    failure_reason=FailureReason(code="SYSTEM", failed_at=MOMENT, message="it did not work"),
    created_at=MOMENT,
    processed_at=MOMENT + timedelta(seconds=1),
    is_test=True,
    processor_status="REJECTED",
    fee=Money("0.10", "USD"),
    attempts=[ATTEMPT],
    raw=RAW,
)
LIMIT = AmountLimit(from_=IDR, to=None)
OPERATOR = PayoutOperator(code="BNK_000", name="Bank", customer_fee=CustomerFee(min=IDR, max=None))
OPTION_OPERATOR = PaymentOptionOperator(code="BNK_000", name="Bank", is_available=False, limit=LIMIT)

PERSONAL: list[Any] = [REQUEST, BANK, BANK.account, CRYPTO, CRYPTO.account, WALLET, WALLET.account]
"""Those that hold a person, and are written only for who asks for that."""

OPEN: list[Any] = [
    IDR,
    PAYOUT,
    PayoutAccepted(
        payout_id="TST-1",
        money=IDR,
        method_code="NEW_METHOD",
        payment_id="P-1",
        reference="R-1",
        segment_code="VIP",
        exchanged_to_currency="USD",
        payout=PAYOUT,
        recovered=True,
        attempts=[ATTEMPT, ATTEMPT],
        raw=RAW,
    ),
    PAYOUT.failure_reason,
    PayoutChange(payout_id="TST-1", sequence=2, payout=PAYOUT, previous_status="SUCCESS", is_correction=True),
    Callback(payout_id="TST-1", verified=True),
    Reason(code="BALANCE_INSUFFICIENT", field="money.amount", description="too little"),
    ATTEMPT,
    AccessScope.payout("TST-1", IDR),
    Balance(
        balance=USD, available=USD, pending_settlement=USD, pending_payout=USD, last_movement=MOMENT, raw='{"a": 1}'
    ),
    LIMIT,
    CustomerFee(min=IDR, max=None),
    OPERATOR,
    PayoutOption(method_code=MethodCode("NEW"), operators=(OPERATOR,), segment_code="VIP", raw="{}"),
    PaymentOperator(code="BNK_000", name="Bank", raw="{}"),
    OPTION_OPERATOR,
    PaymentOption(
        type_code=PaymentTypeCode.PAYOUT,
        method_code=MethodCode.BANK_TRANSFER,
        currency="IDR",
        segment_code="VIP",
        limit=LIMIT,
        is_available=True,
        operators=(OPTION_OPERATOR,),
        raw="{}",
    ),
    MerchantInfo(name="Shop", raw="{}"),
]

VALUES: dict[str, Any] = {type(value).__name__: value for value in [*PERSONAL, *OPEN]}


def error_of(kind: type[KomopayError]) -> KomopayError:
    """With all that an error can hold."""
    return kind(
        "what happened",
        http_status=406,
        field="money.amount",
        reasons=[Reason(code="NEW_RULE", field="f", description="d"), Reason(code="OTHER")],
        payout_id="TST-1",
        attempts=[ATTEMPT, ATTEMPT],
        retry_after=timedelta(seconds=3, microseconds=1),
        payout=PAYOUT,
        cause=komopay.UnavailableError("behind it", http_status=503, attempts=[ATTEMPT]),
        callback_status=503,
        concerns="payout",
    )


ERRORS: dict[str, KomopayError] = {
    name: error_of(getattr(errors, name)) for name in errors.__all__ if name != "KomopayError"
}
