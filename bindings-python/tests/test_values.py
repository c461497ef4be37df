"""Values: money in and out, equality, hash, repr, pattern matching; settings and the environment."""

from __future__ import annotations

import copy
import enum
import math
import pickle
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from conftest import documented_request
from gateway import ACCOUNT_NUMBER, Recorder

from komopay import (
    SANDBOX_URL,
    AccessScope,
    Attempt,
    BankAccount,
    BankTransfer,
    Client,
    ConfigurationError,
    CryptoAccount,
    CryptoTransfer,
    FailureReason,
    InvalidRequestError,
    Money,
    Payout,
    PayoutAccepted,
    PayoutRequest,
    PayoutStatus,
    Reason,
    WalletAccount,
    WalletTransfer,
)


@pytest.mark.parametrize(
    ("amount", "exact"),
    [
        ("10000", "10000"),
        ("42.05", "42.05"),
        ("42.00", "42.00"),
        ("1E+4", "10000"),
        (10000, "10000"),
        (-5, "-5"),
        (Decimal("3.133"), "3.133"),
        (Decimal("1E+4"), "10000"),
        (Decimal("0.1234567890123456789012345678"), "0.1234567890123456789012345678"),
        ("1234567890123456789012345678", "1234567890123456789012345678"),
    ],
)
def test_an_amount_comes_out_exactly_as_it_went_in(amount: str | int | Decimal, exact: str) -> None:
    money = Money(amount, "XTS")
    assert isinstance(money.amount, Decimal)
    assert str(money.amount) == exact
    assert (money.currency, str(money), repr(money)) == ("XTS", f"{exact} XTS", f"Money('{exact}', 'XTS')")


class Coins(enum.IntEnum):
    DIME = 10


def test_an_enum_of_ints_is_its_number() -> None:
    assert Money(Coins.DIME, "USD") == Money("10", "USD")


@pytest.mark.parametrize(
    "amount",
    [1.5, 42.0, math.nan, True, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), "NaN", "", "1,5", "1_000", " 1"]
    + ["0.12345678901234567890123456789", 10**40, pytest.param(10**10000, id="huge")],
)
def test_an_amount_that_is_not_exact_is_refused_by_its_field(amount: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Money(amount, "USD")
    assert caught.value.field == "money.amount"


def test_a_float_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidRequestError, match="string or a Decimal"):
        Money(42.05, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [None, [], {}, b"1", 1j])
def test_an_amount_of_another_type_is_refused_by_its_field(amount: Any) -> None:
    with pytest.raises(InvalidRequestError, match="must be a str, an int or a decimal.Decimal, not ") as caught:
        Money(amount, "USD")
    assert caught.value.field == "money.amount"


@pytest.mark.parametrize(
    ("amount", "currency", "write"),
    [
        ("250.000", "IDR", "write 250000, or 250 "),
        ("1.000", "IDR", "write 1000, or 1 "),
        ("42.050", "USD", "write 42050, or 42.05 "),
        ("999.999", "JPY", "write 999999 "),
    ],
)
def test_a_text_that_can_be_read_in_two_ways_is_refused_and_the_error_says_what_to_write(
    amount: str, currency: str, write: str
) -> None:
    with pytest.raises(InvalidRequestError, match=write) as caught:
        Money(amount, currency)
    assert caught.value.field == "money.amount"
    # A decimal says what it is, and what was money stays money.
    money = Money(Decimal(amount), currency)
    for twin in (money, pickle.loads(pickle.dumps(money)), copy.copy(money), copy.deepcopy(money)):
        assert twin == money and str(twin.amount) == amount
    with pytest.raises(ConfigurationError, match=write):
        new(max_amount={currency: amount})
    for other in [(amount, "KWD"), (amount, "USDT"), (amount, "XTS"), (amount + "0", currency), ("0.500", currency)]:
        Money(*other)


@pytest.mark.parametrize("currency", ["idr", "Idr", " IDR", "IDR\n", "I DR", "", "360", "₿", "IDR,USD"])
@pytest.mark.parametrize("amount", ["1", 1, Decimal(1)])
def test_a_currency_is_a_code_in_capital_letters(amount: str | int | Decimal, currency: str) -> None:
    with pytest.raises(InvalidRequestError, match="IDR") as caught:
        Money(amount, currency)
    assert caught.value.field == "money.currency"
    with pytest.raises(ConfigurationError) as refused:
        new(max_amount={currency: amount})
    assert refused.value.field == "max_amount"


def test_what_the_platform_calls_a_currency_pickles_as_it_came() -> None:
    answer = b"""{"paymentRequested": {"money": {"amount": 250.000, "currencyCode": "idr"}},
        "process": {"status": "SUCCESS"},
        "paymentMethodResponse": {"paymentMethodCode": "BANK_TRANSFER", "idPayout": "A"}}"""
    with Recorder({("GET", "/payouts/A"): (200, answer)}) as recorder:
        with Client(token="t", base_url=recorder.url) as client:
            payout = client.get_payout("A")
    assert (str(payout.money.amount), payout.money.currency) == ("250.000", "idr")
    assert pickle.loads(pickle.dumps(payout)) == copy.deepcopy(payout) == payout


def test_money_is_equal_by_value_and_hashes_alike() -> None:
    assert Money("42", "IDR") == Money("42.00", "IDR") == Money(42, "IDR") == Money(Decimal("4.2E1"), "IDR")
    assert len({Money("42", "IDR"), Money("42.00", "IDR"), Money("42", "USD")}) == 2
    assert Money("42", "IDR") != "42 IDR"


def test_money_pickles_and_copies() -> None:
    money = Money("42.00", "IDR")
    for twin in (pickle.loads(pickle.dumps(money)), copy.copy(money), copy.deepcopy(money)):
        assert twin == money and str(twin) == "42.00 IDR"


REQUESTS = {
    "bank": lambda number: PayoutRequest(
        money=Money("1", "INR"),
        method=BankTransfer(
            operator_code="INR_1",
            account=BankAccount(name="Nama Canary", number=number, bank_code="IFSC", account_type="SAVINGS"),
            email_address="mail@canary.example",
            remark="remark-canary",
        ),
        segment_code="VIP",
        exchanged_to_currency="USD",
        customer_ip="192.0.2.1",
    ),
    "crypto": lambda number: PayoutRequest(
        money=Money("0.1", "BTC"),
        method=CryptoTransfer(operator_code="BTC", account=CryptoAccount(number=number), remark="remark-canary"),
    ),
    "wallet": lambda number: PayoutRequest(
        money=Money("1", "INR"),
        method=WalletTransfer(
            account=WalletAccount(name="Nama Canary", number=number), phone_number="+6281canary", remark="remark-canary"
        ),
    ),
}


@pytest.mark.parametrize("method", REQUESTS)
def test_requests_are_equal_by_value_hash_alike_and_cannot_be_changed(method: str) -> None:
    request, twin, other = (REQUESTS[method](number) for number in ("1234567890", "1234567890", "1234567891"))
    assert request == twin != other
    assert len({request, twin, other}) == 2
    assert request.method.account.number == "1234567890"
    with pytest.raises(AttributeError):
        setattr(request, "money", Money("2", "INR"))
    with pytest.raises(AttributeError):
        setattr(request.method.account, "number", "2")


@pytest.mark.parametrize("method", REQUESTS)
def test_a_request_and_its_parts_pickle_and_copy_whole(method: str) -> None:
    request = REQUESTS[method](ACCOUNT_NUMBER)
    for value in (request, request.method, request.method.account):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(value, protocol)) == value
        assert copy.copy(value) == value == copy.deepcopy(value)
    assert pickle.loads(pickle.dumps(request)).method.account.number == ACCOUNT_NUMBER


def test_an_accepted_payout_pickles_and_copies() -> None:
    payout = Payout(payout_id="A", money=Money("1.50", "USD"), method_code="M", status="SUCCESS", raw="{}")
    accepted = PayoutAccepted(
        payout_id="A", money=Money("1.50", "USD"), method_code="M", recovered=True, payout=payout, raw="{}"
    )
    for twin in (pickle.loads(pickle.dumps(accepted)), copy.copy(accepted), copy.deepcopy(accepted)):
        assert twin == accepted and twin.payout == payout and twin.raw == "{}"


SCOPES = [
    (AccessScope.payout("TST-1", Money("5", "IDR")), "AccessScope.payout('TST-1', Money('5', 'IDR'))"),
    (AccessScope.read("TST-1"), "AccessScope.read('TST-1')"),
    (AccessScope.operations(["GET /balances"]), "AccessScope.operations(['GET /balances'])"),
    (AccessScope.operations(["A", "B"], Money(1, "USD")), "AccessScope.operations(['A', 'B'], Money('1', 'USD'))"),
]


@pytest.mark.parametrize(("scope", "shown"), SCOPES)
def test_a_scope_is_a_value(scope: AccessScope, shown: str) -> None:
    assert repr(scope) == shown
    assert eval(shown) == scope  # noqa: S307
    for twin in (pickle.loads(pickle.dumps(scope)), copy.copy(scope), copy.deepcopy(scope)):
        assert twin == scope and hash(twin) == hash(scope)
    assert len({scope for scope, _ in SCOPES}) == len(SCOPES)
    with pytest.raises(AttributeError):
        setattr(scope, "money", None)


def test_a_scope_of_what_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        AccessScope.read("no such id!")
    assert caught.value.field == "payout_id"
    text = "scope.operations: must be an iterable of str, such as a list, not str"
    with pytest.raises(InvalidRequestError, match=text):
        AccessScope.operations("GET /balances")


def test_a_request_is_checked_and_has_its_fingerprint() -> None:
    request = REQUESTS["bank"]("1234567890")
    with pytest.raises(InvalidRequestError) as caught:
        PayoutRequest(money=Money("0", "IDR"), method=request.method).validate()
    assert caught.value.field == "money.amount"
    documented_request().validate()
    # The same in every language.
    known = PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
    )
    key = b"0123456789abcdef"
    expected = "2:549f633b7a9e426c472b7d53d5d5e151642910db4edde29b91ad6d3b014432"
    assert known.fingerprint(key) == expected
    # As it was given before.
    first = "a0163d57a6fe955fbf524fa184aa74381b26dfbf9417173c6c8f497c3543f383"
    assert known.matches_fingerprint(key, expected) and known.matches_fingerprint(key, first)
    assert not known.matches_fingerprint(key, expected[:-1]) and not request.matches_fingerprint(key, expected)
    with pytest.raises(ConfigurationError) as refused:
        known.fingerprint(b"short")
    assert refused.value.field == "key"


@pytest.mark.parametrize("method", REQUESTS)
def test_the_repr_of_a_request_masks_the_account_and_hides_the_person(method: str) -> None:
    request = REQUESTS[method]("1234567890")
    for shown in (repr(request), repr(request.method), repr(request.method.account), f"{request}"):
        assert "****7890" in shown
        assert "123456" not in shown and "canary" not in shown.lower()
    assert "1234567" not in repr(REQUESTS[method]("1234567"))


def test_values_can_be_matched() -> None:
    match documented_request():
        case PayoutRequest(Money(amount, "IDR"), BankTransfer("BNK_000", BankAccount(name, _))):
            assert (amount, name) == (Decimal(10000), "Test account")
        case _:
            pytest.fail("no match")


def test_every_value_names_its_fields_to_a_match() -> None:
    values: list[Any] = [Attempt, BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, FailureReason, Money]
    values += [Payout, PayoutAccepted, PayoutRequest, Reason, WalletAccount, WalletTransfer]
    for value in values:
        assert value.__module__ == "komopay"
        assert all(hasattr(value, name) for name in value.__match_args__)


def test_the_platforms_own_text_is_not_in_a_repr() -> None:
    reason = FailureReason(code="SYSTEM", message="account 11223344 canary")
    payout = Payout(
        payout_id="A", money=Money(1, "IDR"), method_code="M", status="FAILED", failure_reason=reason, raw="canary"
    )
    accepted = PayoutAccepted(payout_id="A", money=Money(1, "IDR"), method_code="M", payout=payout, recovered=True)
    for shown in (repr(reason), repr(payout), repr(accepted)):
        assert "SYSTEM" in shown and "canary" not in shown


def test_the_known_statuses_are_plain_strings() -> None:
    known = [PayoutStatus.PROCESSING, PayoutStatus.SUCCESS, PayoutStatus.FAILED, PayoutStatus.REFUSED]
    assert known == ["PROCESSING", "SUCCESS", "FAILED", "REFUSED"]
    assert [status(code).is_final for code in known] == [False, True, True, True]


def status(code: str) -> Payout:
    return Payout(payout_id="A", money=Money(1, "IDR"), method_code="M", status=code)


def new(**settings: Any) -> Client:
    return Client(**{"token": "t", "base_url": "http://127.0.0.1:1", **settings})


FAR = {"base_url": "https://gateway.invalid"}
TIMES = ["total_timeout", "attempt_timeout", "connect_timeout", "settle_window", "backoff_base", "backoff_cap"]


@pytest.mark.parametrize("name", [*TIMES, "token_validity"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, -0.5, timedelta(seconds=-1), 10**30, 1e300, 0])
def test_a_time_that_is_none_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        new(**{name: value})
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"base_url": "http://api.komopay.id"}, "base_url"),
        ({"read_attempts": -1}, "read_attempts"),
        ({"read_attempts": 2**32}, "read_attempts"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"requests_per_second": -1}, "requests_per_second"),
        ({"requests_per_second": math.nan}, "requests_per_second"),
        ({"requests_per_second": math.inf}, "requests_per_second"),
        ({"requests_per_second": 10**400}, "requests_per_second"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_concurrency": -1}, "max_concurrency"),
        ({"max_concurrency": 2**32}, "max_concurrency"),
        ({"pool_size": -1}, "pool_size"),
        ({"max_answer_bytes": 10**30}, "max_answer_bytes"),
        ({"token": "line\n"}, "token"),
        ({"token": None}, "merchant_code"),
        ({"token": None, "merchant_code": "M"}, "secret"),
        ({"token": None, "secret": "S"}, "merchant_code"),
        ({"merchant_code": "M", "secret": "S"}, "token"),
        ({"token_scope": "all"}, "token_scope"),
        ({"max_amount": {"IDR": 1.5}}, "max_amount"),
        ({"max_amount": {"IDR": "many"}}, "max_amount"),
        ({"max_amount": [Money(1, "IDR"), Money(2, "IDR")]}, "max_amount"),
        ({"ca_file": "/no/such/file"}, "ca_file"),
        ({"max_amount": {"IDR": 0}}, "max_amount"),
        ({"max_amount": {"IDR": "0.5"}}, "max_amount"),
        ({"max_amount": {"USD": -1}}, "max_amount"),
        ({"token_scope": "everything"}, "token_scope"),
        ({"token_validity": 60}, "token_validity"),
        ({"change_lease": 1}, "change_lease"),
        ({"keep_changes": 1}, "keep_changes"),
        ({"proxy": "::", **FAR}, "proxy"),
        ({"proxy": "", **FAR}, "proxy"),
        ({"proxy": "socks5://127.0.0.1:1080", **FAR}, "proxy"),
        ({"proxy": "http://proxy:3128/path", **FAR}, "proxy"),
        ({"proxy": "http://127.0.0.1:3128"}, "proxy"),
        ({"base_url": " https://api.komopay.id"}, "base_url"),
        ({"base_url": "https://api.komopay.id\n"}, "base_url"),
        ({"base_url": "https:\\\\api.komopay.id"}, "base_url"),
        ({"base_url": "http://127.1"}, "base_url"),
        ({"is_test": False}, "base_url"),
        ({"is_test": False, "base_url": SANDBOX_URL}, "base_url"),
        ({"loopback_is_live": True}, "loopback_is_live"),
        ({"loopback_is_live": True, "is_test": False, **FAR}, "loopback_is_live"),
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "a\nb"}, "customer_id"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_its_name(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        new(**settings)
    assert caught.value.field == name
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_amount": Money(1, "IDR")},
        {"max_amount": ["1 IDR"]},
        {"token": b"t"},
        {"total_timeout": "90"},
        {"total_timeout": True},
        {"read_attempts": 1.5},
        {"read_attempts": True},
        {"requests_per_second": "20"},
        {"requests_per_second": True},
        {"max_concurrency": 1.5},
    ],
)
def test_a_setting_of_another_type_is_refused_by_its_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="must be .*, not ") as caught:
        new(**settings)
    assert [caught.value.field] == list(settings)


def test_every_setting_can_be_set() -> None:
    new(
        **dict.fromkeys(TIMES, 0.001) | {"total_timeout": 1, "token_validity": timedelta(minutes=1)} | FAR,
        token=None,
        merchant_code="M",
        secret="S",
        read_attempts=1,
        requests_per_second=0.5,
        max_concurrency=8,
        pool_size=0,
        max_answer_bytes=1024,
        proxy="http://proxy:3128",
        customer_id="c",
        max_amount=[Money("5000000", "IDR"), Money("300", "USD")],
        is_test=True,
        validate=False,
        token_scope="everything",
    )
    new(is_test=False, loopback_is_live=True)


@pytest.mark.parametrize("ceiling", [{"IDR": 9999}, {"IDR": "9999"}, [Money("9999", "IDR")], {"IDR": Decimal(9999)}])
def test_a_payout_above_the_ceiling_is_refused_before_it_is_sent(ceiling: Any) -> None:
    with pytest.raises(InvalidRequestError, match="max_amount") as caught:
        new(max_amount=ceiling).create_payout("A", documented_request())
    assert caught.value.field == "money.amount"


def test_a_wait_for_no_time_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        new().wait_for_payout("A", timeout=math.nan)
    assert caught.value.field == "timeout"
    with pytest.raises(InvalidRequestError, match="timeout: must be a number of seconds or a timedelta, not NoneType"):
        new().wait_for_payout("A", timeout=None)  # type: ignore[arg-type]


def test_what_is_no_request_is_refused_and_the_error_says_what_to_give() -> None:
    with pytest.raises(InvalidRequestError, match="request: must be a PayoutRequest, not dict"):
        new().create_payout("A", {"money": 1})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="method: must be a BankTransfer, .*, not str"):
        PayoutRequest(money=Money(1, "IDR"), method="BANK_TRANSFER")  # type: ignore[arg-type]
    text = "method.account: must be a BankAccount, not the class BankAccount itself"
    with pytest.raises(InvalidRequestError, match=text):
        BankTransfer(operator_code="BNK_000", account=BankAccount)  # type: ignore[arg-type]


def test_a_missing_or_an_unknown_keyword_is_pythons_own_type_error() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword argument: 'number'"):
        BankAccount(name="Siti")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'timeout'"):
        new(timeout=90)


def test_a_client_shows_no_secret_and_cannot_be_pickled_or_copied() -> None:
    client = Client(merchant_code="M", secret="secret-canary", base_url=SANDBOX_URL)
    assert repr(client) == f"Client(base_url='{SANDBOX_URL}')"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(client)


ENVIRONMENT = {"KOMOPAY_MERCHANT_CODE": "M", "KOMOPAY_SECRET": "secret-canary", "KOMOPAY_BASE_URL": "http://[::1]:1"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_client_comes_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    assert repr(Client.from_env()) == "Client(base_url='http://[::1]:1')"
    assert repr(Client.from_env(base_url=SANDBOX_URL, total_timeout=1, attempt_timeout=0.5)).count(SANDBOX_URL) == 1


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None, environment: pytest.MonkeyPatch) -> None:
    environment.delenv(name) if value is None else environment.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name) as caught:
        Client.from_env()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
@pytest.mark.parametrize("name", ["base_url", "merchant_code", "secret", "callback_keys"])
def test_a_line_end_is_refused_in_the_environment_as_in_arguments(
    name: str, end: str, environment: pytest.MonkeyPatch
) -> None:
    variable = f"KOMOPAY_{name.upper()}"
    text = ENVIRONMENT.get(variable, "canary-key-of-32-characters-at-least") + end
    given: dict[str, Any] = {name: [text] if name == "callback_keys" else text}
    merchant = {"base_url": "http://[::1]:1", "merchant_code": "M", "secret": "secret-canary"}
    with pytest.raises(ConfigurationError) as as_argument:
        Client(**{**merchant, **given})
    environment.setenv(variable, text)
    with pytest.raises(ConfigurationError) as in_the_environment:
        Client.from_env()
    assert str(in_the_environment.value) == str(as_argument.value)
    assert as_argument.value.field == in_the_environment.value.field == name
    assert "canary" not in str(as_argument.value)


def test_with_a_token_code_and_secret_are_not_looked_up(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KOMOPAY_SECRET")
    Client.from_env(token="t")
