"""What comes back of the catalogue and of issued tokens, and what of it is on the wire."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from conftest import documented_request, new_client
from gateway import Recorder, Sandbox

from komopay import (
    AccessScope,
    AccessToken,
    AmountLimit,
    Balance,
    Client,
    ConfigurationError,
    CustomerFee,
    InvalidRequestError,
    MerchantInfo,
    MethodCode,
    Money,
    PaymentOperator,
    PaymentOption,
    PaymentOptionOperator,
    PaymentTypeCode,
    PayoutOperator,
    PayoutOption,
    PermissionDeniedError,
    RejectedError,
    catalogue,
)

BALANCE = """{"currencyCode":"USD","balance":250.50,"availableBalance":200,"pendingSettlementAmount":0,
 "pendingPayoutAmount":50.5,"lastBalanceMovement":"2021-05-19T10:57:28.313Z"}"""
PAYMENT_OPTION = """{"paymentTypeCode":"PAYOUT","paymentMethodCode":"NEW_METHOD","currencyCode":"IDR",
 "transactionAmountLimit":{"from":10000},"isAvailable":true,
 "paymentOperators":[{"code":"BNK_000","name":"Bank","isAvailable":false,"transactionAmountLimit":{"to":5}}]}"""
PAYOUT_OPTION = """{"paymentMethodCode":"BANK_TRANSFER","segmentCode":"VIP","paymentOperators":[{"code":"BNK_000",
 "customerTransactionFee":{"minFee":{"amount":1,"currencyCode":"IDR"}}}]}"""

ANSWERS: list[tuple[str, str, str, Any]] = [
    (
        "balances",
        "/balances",
        BALANCE,
        Balance(
            balance=Money("250.50", "USD"),
            available=Money("200", "USD"),
            pending_settlement=Money("0", "USD"),
            pending_payout=Money("50.5", "USD"),
            last_movement=datetime(2021, 5, 19, 10, 57, 28, 313000, timezone.utc),
            raw=BALANCE,
        ),
    ),
    ("currencies", "/currencies", '{"code":"IDR"}', "IDR"),
    ("segments", "/segments", '{"code":"VIP"}', "VIP"),
    ("payment_methods", "/payment-methods", '{"code":"NEW"}', "NEW"),
    (
        "payment_operators",
        "/payment-operators",
        '{"code":"BNK_000","name":"Bank"}',
        PaymentOperator(code="BNK_000", name="Bank", raw='{"code":"BNK_000","name":"Bank"}'),
    ),
    (
        "payment_options",
        "/payment-options",
        PAYMENT_OPTION,
        PaymentOption(
            type_code=PaymentTypeCode.PAYOUT,
            method_code=MethodCode("NEW_METHOD"),
            currency="IDR",
            limit=AmountLimit(from_=Money("10000", "IDR"), to=None),
            is_available=True,
            operators=(
                PaymentOptionOperator(
                    code="BNK_000",
                    name="Bank",
                    is_available=False,
                    limit=AmountLimit(from_=None, to=Money("5", "IDR")),
                ),
            ),
            raw=PAYMENT_OPTION,
        ),
    ),
]


@pytest.mark.parametrize(("method", "path", "entry", "value"), ANSWERS)
def test_an_entry_comes_back_as_its_frozen_value(method: str, path: str, entry: str, value: Any) -> None:
    with Recorder({("GET", path): (200, f'{{"data":[{entry}]}}'.encode())}) as recorder:
        with Client(base_url=recorder.url, token="t") as client:
            assert getattr(client, method)() == [value]
    assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value)
    assert hash(copy.copy(value)) == hash(value)
    if not isinstance(value, str):
        assert "raw" not in repr(value)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, "raw", "")


def test_every_value_of_the_catalogue_can_be_matched() -> None:
    for name in catalogue.__all__:
        assert dataclasses.is_dataclass(getattr(catalogue, name))
    match MerchantInfo(name="Shop"):
        case MerchantInfo(name=name):
            assert name == "Shop"


def test_a_value_is_a_dataclass_to_whoever_asks() -> None:
    operator = PaymentOperator(code="BNK_000", name="Bank", raw="{}")
    assert [field.name for field in dataclasses.fields(operator)] == ["code", "name", "raw"]
    assert dataclasses.asdict(operator) == {"code": "BNK_000", "name": "Bank", "raw": "{}"}
    renamed = dataclasses.replace(operator, name="Other bank")
    assert renamed == operator.replace(name="Other bank") != operator and renamed.code == "BNK_000"
    assert list(inspect.signature(PaymentOperator).parameters) == ["code", "name", "raw"]

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Mine(PaymentOperator):
        note: str

    assert [field.name for field in dataclasses.fields(Mine)] == ["code", "name", "raw", "note"]
    for given in ({}, {"code": "BNK_000", "nmae": "Bank"}):
        with pytest.raises(TypeError, match="code|nmae"):
            PaymentOperator(**given)


def test_payout_options_ask_for_the_money_and_give_operators_with_their_fees() -> None:
    path = "/payouts/!availablePaymentOptions"
    with Recorder({("POST", path): (200, f'{{"data":[{PAYOUT_OPTION}]}}'.encode())}) as recorder:
        with Client(base_url=recorder.url, token="t") as client:
            options = client.payout_options(Money("10000", "IDR"), segment_code="VIP", exchanged_to_currency="USD")
    fee = CustomerFee(min=Money("1", "IDR"), max=None)
    operators = (PayoutOperator(code="BNK_000", customer_fee=fee),)
    assert options == [
        PayoutOption(method_code=MethodCode.BANK_TRANSFER, operators=operators, segment_code="VIP", raw=PAYOUT_OPTION)
    ]
    (seen,) = recorder.seen
    assert json.loads(seen.body) == {
        "money": {"amount": 10000, "currencyCode": "IDR"},
        "segmentCode": "VIP",
        "exchangedToCurrency": "USD",
    }


def test_filters_are_on_the_wire_and_nothing_given_does_not_filter() -> None:
    empty = (200, b'{"data":[]}')
    paths: dict[str, Callable[[Client], object]] = {
        "/payment-options": lambda client: client.payment_options(),
        "/payment-options?paymentTypeCode=PAYOUT&paymentMethodCodes=A%2CB&currencyCodes=IDR"
        "&segmentCodes=VIP&paymentOperatorCodes=BNK_000": lambda client: client.payment_options(
            type_code="PAYOUT",
            method_codes=("A", "B"),
            currencies=["IDR"],
            segment_codes={"VIP"},
            operator_codes=iter(["BNK_000"]),
        ),
        "/balances": lambda client: client.balances(),
        "/balances?currencyCodes=IDR%2CUSD": lambda client: client.balances("IDR", "USD"),
        "/balances?currencyCodes=USD": lambda client: client.balances(["USD"]),
    }
    with Recorder({("GET", path): empty for path in paths}) as recorder:
        with Client(base_url=recorder.url, token="t") as client:
            for call in paths.values():
                assert call(client) == []
    assert [seen.path for seen in recorder.seen] == list(paths)


def test_one_string_is_no_list_of_codes() -> None:
    client = Client(base_url="http://127.0.0.1:1", token="t")
    with pytest.raises(InvalidRequestError, match="currencies: must be an iterable of str"):
        client.payment_options(currencies="IDR")
    with pytest.raises(InvalidRequestError) as caught:
        client.balances("IDR,USD")
    assert caught.value.field == "currencies"


def test_a_code_that_the_platform_does_not_know_is_rejected(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client, pytest.raises(RejectedError):
        client.payment_options(method_codes=["NO_SUCH_METHOD"])


def test_an_issued_token_allows_what_it_was_issued_for_and_nothing_else(sandbox: Sandbox) -> None:
    with new_client(sandbox) as merchant:
        token = merchant.issue_token(AccessScope.payout("TST-APP", Money("10000", "IDR")))
        reader = merchant.issue_token(AccessScope.read("TST-APP"), validity=60)
    with Client(base_url=sandbox.url, token=token.expose()) as app:
        app.create_payout("TST-APP", documented_request())
        assert app.wait_for_payout("TST-APP", timeout=60).status == "SUCCESS"
        with pytest.raises(PermissionDeniedError):
            app.balances()
        with pytest.raises(ConfigurationError):
            app.issue_token(AccessScope.read("TST-APP"))
    with Client(base_url=sandbox.url, token=reader.expose()) as app:
        assert app.get_payout("TST-APP").is_final


def test_a_token_shows_nothing_and_cannot_be_pickled_or_copied(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        token = client.issue_token(AccessScope.operations(["GET /currencies"]), validity=60)
    assert isinstance(token, AccessToken)
    assert token.expires_at is not None and token.expires_at > datetime.now(timezone.utc)
    assert "ey" not in repr(token) and "AccessToken(expires_at=" in repr(token)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(token)


@pytest.mark.parametrize(("validity", "field"), [(59, "validity"), (3601, "validity"), (-1, "validity")])
def test_a_validity_that_is_none_is_refused(validity: float, field: str, sandbox: Sandbox) -> None:
    with new_client(sandbox) as client, pytest.raises(InvalidRequestError) as caught:
        client.issue_token(AccessScope.read("TST-1"), validity=validity)
    assert caught.value.field == field


def test_a_payout_of_the_other_mode_is_a_configuration_error(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        client.create_payout("TST-1", documented_request())
        is_test = client.get_payout("TST-1").is_test
    assert is_test is not None
    with (
        new_client(sandbox, is_test=not is_test, loopback_is_live=is_test) as other,
        pytest.raises(ConfigurationError) as caught,
    ):
        other.get_payout("TST-1")
    assert caught.value.field == "is_test"
    with new_client(sandbox, is_test=is_test) as same:
        assert same.get_payout("TST-1").is_test is is_test
