"""Every value and every error as plain data and back; what is personal is written for who asks for it only."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from gateway import ACCOUNT_NUMBER, Recorder
from samples import ERRORS, IDR, MOMENT, NAME, OPEN, PAYOUT, PERSONAL, REQUEST, VALUES
from test_errors import assert_same

import komopay
from komopay import (
    AccessScope,
    BankAccount,
    BankTransfer,
    Client,
    ErrorKind,
    InvalidRequestError,
    KomopayError,
    Money,
    NotFoundError,
    Payout,
    PayoutRequest,
    RejectedError,
    _native,
)

# What holds a secret, or a connection; the codes, which are plain data themselves; and a marker.
# A payout that was waited for is a payout or an error, and those have their own.
NO_DATA = {"AccessToken", "AsyncClient", "Client", "IncludePersonal", "MemoryChangeStore", "PostgresChangeStore",
           "SqliteChangeStore"}
NO_DATA |= {"PayoutWaits", "WaitedPayout"}


def is_plain(data: object) -> bool:
    """Whether it is made of nothing but what JSON knows."""
    if type(data) is dict:
        return all(type(key) is str and is_plain(value) for key, value in data.items())
    if type(data) is list:
        return all(is_plain(value) for value in data)
    return data is None or type(data) in (str, int, float, bool)


def test_every_class_of_the_package_is_a_value_with_a_sample_or_holds_no_data() -> None:
    classes = {name for name in komopay.__all__ if inspect.isclass(getattr(komopay, name))}
    classes -= {name for name in classes if issubclass(getattr(komopay, name), (KomopayError, str))}
    assert classes - NO_DATA == set(VALUES)
    for name in NO_DATA:
        assert not hasattr(getattr(komopay, name), "to_dict"), name
    kinds = {name for name, *_ in _native._error_kinds()}
    assert set(ERRORS) == kinds


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_from_its_plain_data_and_its_json(name: str) -> None:
    value = VALUES[name]
    data = value.to_dict(include_personal=True)
    assert is_plain(data) and all(hasattr(value, key) or isinstance(value, AccessScope) for key in data)
    twins = [type(value).from_dict(data), type(value).from_dict(MappingProxyType(data))]
    twins += [type(value).from_json(value.to_json(include_personal=True))]
    twins += [type(value).from_json(value.to_json(include_personal=True).encode())]
    for twin in twins:
        assert type(twin) is type(value) and twin == value and hash(twin) == hash(value)
        assert repr(twin) == repr(value) and twin.to_dict(include_personal=True) == data


# Those have an open end, or are of several forms.
WITH_GAPS = {"AmountLimit", "CustomerFee", "AccessScope"}


@pytest.mark.parametrize("name", [name for name in VALUES if name not in WITH_GAPS])
def test_a_sample_holds_something_in_every_field(name: str) -> None:
    data = VALUES[name].to_dict(include_personal=True)
    assert [key for key, value in data.items() if value in (None, "", [], False) and key != "is_available"] == []


@pytest.mark.parametrize("value", PERSONAL, ids=lambda value: type(value).__name__)
def test_what_is_personal_is_refused_unless_it_is_asked_for_and_then_it_is_whole(value: Any) -> None:
    for write in (value.to_dict, value.to_json, lambda: value.to_dict(include_personal=False)):
        with pytest.raises(InvalidRequestError, match=r"include_personal: must be True, since a \w+ holds") as refused:
            write()
        assert refused.value.field == "include_personal"
        assert ACCOUNT_NUMBER not in str(refused.value) and NAME not in str(refused.value)
    assert ACCOUNT_NUMBER in value.to_json(include_personal=True)


@pytest.mark.parametrize("value", OPEN, ids=lambda value: type(value).__name__)
def test_what_holds_no_person_needs_no_word_and_shows_no_account(value: Any) -> None:
    assert ACCOUNT_NUMBER not in value.to_json()
    twin = type(value).from_dict(value.to_dict())
    # Without the answer as it came, whose own words may repeat an account.
    assert ACCOUNT_NUMBER not in repr(twin.to_dict(include_personal=True))
    assert twin.to_dict() == value.to_dict()


def test_nothing_masked_can_be_read_back_and_paid() -> None:
    with pytest.raises(InvalidRequestError):
        REQUEST.to_dict(include_personal=False)
    # A number that was masked elsewhere is no number.
    account = BankAccount.from_dict({"name": "Siti", "number": "****6789"})
    method = BankTransfer(operator_code="BNK_000", account=account)
    with pytest.raises(InvalidRequestError) as refused:
        PayoutRequest(money=IDR, method=method).validate()
    assert refused.value.field == "method.account.number"


def test_amounts_and_times_are_texts_and_spans_are_seconds() -> None:
    assert IDR.to_dict() == {"amount": "10000", "currency": "IDR"}
    data = PAYOUT.to_dict()
    assert data["created_at"] == "2030-01-31T12:00:00.250001Z" and data["status"] == "FAILED"
    assert VALUES["Attempt"].to_dict()["duration"] == 1.500001
    assert ERRORS["RateLimitedError"].to_dict()["retry_after"] == 3.000001


@pytest.mark.parametrize("microseconds", [0, 1, 999_999, 1_400, 10**6 + 7, 86_400 * 10**6 + 999_999, 123_456_789_012])
def test_a_span_of_any_length_comes_back(microseconds: int) -> None:
    attempt = VALUES["Attempt"].replace(duration=timedelta(microseconds=microseconds))
    assert type(attempt).from_json(attempt.to_json()) == attempt


@pytest.mark.parametrize("amount", ["250.000", "42.050", "42.051", "-1.000", "0.00", "1E+4", "1.2345678901234567"])
@pytest.mark.parametrize("currency", ["IDR", "USD", "KWD"])
def test_every_amount_comes_back_though_no_text_may_be_read_in_two_ways(amount: str, currency: str) -> None:
    money = Money(Decimal(amount), currency)
    assert Money.from_dict(money.to_dict()) == money
    assert Money.from_json(f'{{"amount": {money.amount}, "currency": "{currency}"}}') == money


def test_an_amount_is_read_as_by_the_constructor_and_a_json_number_is_exact() -> None:
    for amount in ("250.000", 1.5, True, None, "many"):
        with pytest.raises(InvalidRequestError) as refused:
            Money.from_dict({"amount": amount, "currency": "IDR"})
        assert refused.value.field == "money.amount"
    for data in ({"amount": "1", "currency": "idr"}, {"amount": "1"}):
        with pytest.raises(InvalidRequestError) as refused:
            Money.from_dict(data)
        assert refused.value.field == "money.currency"
    text = '{"amount": 0.1234567890123456789012345678, "currency": "XTS"}'
    assert str(Money.from_json(text).amount) == "0.1234567890123456789012345678"


def test_what_the_platform_calls_a_currency_comes_back_inside_of_its_answer() -> None:
    answer = b"""{"paymentRequested": {"money": {"amount": 250.000, "currencyCode": "idr"}},
        "process": {"status": "SUCCESS"},
        "paymentMethodResponse": {"paymentMethodCode": "BANK_TRANSFER", "idPayout": "A"}}"""
    with Recorder({("GET", "/payouts/A"): (200, answer)}) as recorder:
        with Client(token="t", base_url=recorder.url) as client:
            payout = client.get_payout("A")
    assert Payout.from_json(payout.to_json(include_personal=True)) == payout
    request = {"money": {"amount": "1", "currency": "idr"}, "method": REQUEST.method}
    with pytest.raises(InvalidRequestError) as refused:
        PayoutRequest.from_dict(request)
    assert refused.value.field == "money.currency"


WHOLE: dict[str, Any] = REQUEST.to_dict(include_personal=True)


def changed(path: str, value: object) -> dict[str, Any]:
    """The data of the request with another value there; without it, if it is `...`."""
    data: dict[str, Any] = copy.deepcopy(WHOLE)
    *parents, key = path.split(".")
    place = data
    for parent in parents:
        place = place[parent]
    place[key] = value
    if value is ...:
        del place[key]
    return data


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("money", ..., "is missing"),
        ("money", "10000 IDR", "must be a dict of the fields of Money, not str"),
        ("money.amount", 1.5, "a float is not an exact amount"),
        ("money.more", 1, "is not known; there are amount, currency"),
        ("method", ..., "is missing"),
        ("method.method_code", ..., "is missing"),
        ("method.method_code", "PIGEON", "must be one of BANK_TRANSFER, CRYPTO_TRANSFER, WALLET_TRANSFER"),
        ("method.operator_code", None, "must be a str, not NoneType"),
        ("method.account", ..., "is missing"),
        ("method.account.number", ..., "is missing"),
        ("method.account.number", 11223344, "must be a str, not int"),
        ("method.account.nummer", "1", "is not known; there are name, number, account_type"),
        ("customer_ip", 1, "must be a str, not int"),
        ("callback_ur", "https://shop.example", "is not known; there are money, method"),
    ],
)
def test_a_field_of_a_request_that_cannot_be_used_is_refused_by_its_name(path: str, value: object, says: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{path}: {says}") as refused:
        PayoutRequest.from_dict(changed(path, value))
    assert refused.value.field == path
    assert refused.value.__cause__ is None and refused.value.__context__ is None
    assert ACCOUNT_NUMBER not in str(refused.value)


def test_a_key_that_may_be_an_account_is_not_shown() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        PayoutRequest.from_dict(changed(ACCOUNT_NUMBER, "x"))
    assert ACCOUNT_NUMBER not in str(refused.value) and ACCOUNT_NUMBER not in str(refused.value.field)


def test_a_method_is_read_by_its_own_class_and_not_by_another() -> None:
    data = WHOLE["method"]
    assert BankTransfer.from_dict(data) == REQUEST.method and REQUEST.method.method_code == "BANK_TRANSFER"
    assert BankTransfer.from_dict({key: data[key] for key in data if key != "method_code"}) == REQUEST.method
    with pytest.raises(InvalidRequestError, match="method.method_code: must be CRYPTO_TRANSFER"):
        komopay.CryptoTransfer.from_dict(data)


def test_an_answer_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    newer: dict[str, Any] = {**PAYOUT.to_dict(), "status": "ON_HOLD", "new_field": {"a": [1]}}
    newer["failure_reason"] = {"code": "NEW", "why": "new"}
    payout = Payout.from_dict(newer)
    assert (payout.status, payout.status.is_known, payout.is_final) == ("ON_HOLD", False, False)
    assert payout.failure_reason is not None and payout.failure_reason.code == "NEW"
    with pytest.raises(InvalidRequestError, match="created_at: must be a time in ISO 8601 with its zone, such as"):
        Payout.from_dict({**newer, "created_at": "2030-01-31T12:00:00"})


def test_a_time_may_have_any_zone_and_may_be_a_datetime() -> None:
    for moment in ("2030-01-31T19:00:00.250001+07:00", MOMENT, "2030-01-31 12:00:00.250001Z"):
        assert Payout.from_dict({**PAYOUT.to_dict(), "created_at": moment}).created_at == MOMENT
    assert isinstance(PAYOUT.created_at, datetime)


def test_parts_may_be_values_already() -> None:
    data: Mapping[str, object] = {"money": IDR, "method": REQUEST.method}
    assert PayoutRequest.from_dict(data) == PayoutRequest(money=IDR, method=REQUEST.method)
    assert PayoutRequest.from_dict(REQUEST) == REQUEST  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "{", "[1", "nonsense 0123456789", b"\xff\xfe\x00", "[" * 100_000])
def test_what_is_no_json_is_refused_without_a_word_of_it(text: str | bytes) -> None:
    for read in (PayoutRequest.from_json, komopay.Balance.from_json, KomopayError.from_json):
        with pytest.raises(InvalidRequestError, match="^text: is not JSON$") as refused:
            read(text)
        assert refused.value.__cause__ is None and refused.value.__context__ is None


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"'])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    for read in (PayoutRequest.from_json, komopay.Balance.from_json, KomopayError.from_json):
        with pytest.raises(InvalidRequestError, match="^data: must be a dict of the fields of"):
            read(text)


# Replacing fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in VALUES if name != "AccessScope"])
def test_every_field_can_be_replaced_and_nothing_else_changes(name: str) -> None:
    value = VALUES[name]
    assert value.replace() == value
    for field in inspect.signature(type(value)).parameters:
        twin = value.replace(**{field: getattr(value, field)})
        assert twin == value and type(twin) is type(value)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        value.replace(nothing=1)


def test_a_replaced_field_passes_the_constructor() -> None:
    dearer = REQUEST.replace(money=Money("20000", "IDR"))
    assert (dearer.money, dearer.method) == (Money("20000", "IDR"), REQUEST.method)
    with pytest.raises(InvalidRequestError, match="money: must be a Money, not int"):
        REQUEST.replace(money=20000)
    with pytest.raises(InvalidRequestError, match="money.amount: a float"):
        IDR.replace(amount=1.5)
    assert Money(Decimal("250.000"), "IDR").replace(currency="USD") == Money("250", "USD")


def test_copy_replace_does_the_same() -> None:
    def replace(value: Any, **fields: object) -> Any:
        # What `copy.replace` of Python 3.13 does.
        return type(value).__replace__(value, **fields)

    for value in (REQUEST, PAYOUT, IDR, VALUES["Balance"]):
        assert getattr(copy, "replace", replace)(value) == replace(value) == value
    assert getattr(copy, "replace", replace)(IDR, amount="5") == replace(IDR, amount="5") == Money("5", "IDR")


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_comes_back_whole_and_as_its_own_class(name: str) -> None:
    error = ERRORS[name]
    data = error.to_dict(include_personal=True)
    assert is_plain(data)
    for twin in (
        KomopayError.from_dict(data),
        type(error).from_dict(data),
        KomopayError.from_json(error.to_json(include_personal=True)),
    ):
        assert_same(twin, error)
        assert (twin.kind, twin.retryable, twin.money_may_have_moved, twin.callback_status) == (
            error.kind,
            error.retryable,
            error.money_may_have_moved,
            error.callback_status,
        )


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_made_again_of_its_arguments_without_the_answer_as_it_came(name: str) -> None:
    error = ERRORS[name]
    assert ACCOUNT_NUMBER not in repr(error.args) and ACCOUNT_NUMBER not in error.to_json()
    # As tools do that keep a class and its arguments, which JSON has carried.
    twin: KomopayError = type(error)(*json.loads(json.dumps(error.args)))
    assert twin.payout == PAYOUT.replace(raw="")
    error = error_without_raw(error)
    assert_same(twin, error)
    assert (str(twin), repr(twin)) == (str(error), repr(error))


def error_without_raw(error: KomopayError) -> KomopayError:
    twin = copy.copy(error)
    twin.payout = PAYOUT.replace(raw="")
    return twin


def test_a_kind_of_a_newer_version_says_of_itself_what_it_means() -> None:
    data = {**ERRORS["OutcomeUnknownError"].to_dict(), "kind": "held_back", "retryable": True, "new": 1}
    error = KomopayError.from_dict(data)
    assert type(error) is KomopayError and isinstance(error.kind, ErrorKind) and not error.kind.is_known
    assert (error.kind, error.retryable, error.money_may_have_moved) == ("held_back", True, True)
    assert KomopayError.from_dict(error.to_dict()).money_may_have_moved is True


def test_an_error_of_another_kind_is_refused_by_a_class_that_it_is_not() -> None:
    with pytest.raises(InvalidRequestError, match="kind: is that of a NotFoundError, not of a RejectedError"):
        RejectedError.from_dict(NotFoundError("x").to_dict())

    class Ours(RejectedError):
        pass

    assert type(Ours.from_dict(Ours("x").to_dict())) is Ours
    assert type(KomopayError.from_dict(Ours("x").to_dict())) is RejectedError


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", 5), ("http_status", "x"), ("reasons", "x"), ("attempts", [1]), ("retry_after", -1), ("payout", [])],
)
def test_a_field_of_an_error_that_cannot_be_used_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{field}: ") as refused:
        KomopayError.from_dict({**NotFoundError("x").to_dict(), field: value})
    assert refused.value.field == field


# Scopes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope",
    [
        AccessScope.payout("TST-1", IDR),
        AccessScope.read("TST-1"),
        AccessScope.operations(["GET /balances"]),
        AccessScope.operations(["A", "B"], IDR),
    ],
    ids=repr,
)
def test_a_scope_comes_back(scope: AccessScope) -> None:
    assert is_plain(scope.to_dict())
    assert AccessScope.from_dict(scope.to_dict()) == scope == AccessScope.from_json(scope.to_json())


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "scope.type"),
        ({"type": "everything"}, "scope.type"),
        ({"type": "read"}, "payout_id"),
        ({"type": "read", "payout_id": "no such id!"}, "payout_id"),
        ({"type": "payout", "payout_id": "A"}, "money"),
        ({"type": "operations"}, "scope.operations"),
        ({"type": "read", "payout_id": "A", "mony": 1}, "scope.mony"),
    ],
)
def test_a_scope_that_cannot_be_used_is_refused_by_its_field(data: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        AccessScope.from_dict(data)
    assert refused.value.field == field
