"""Every kind of error: its class, its row of the table, by a real call; and all of them pickle."""

from __future__ import annotations

import copy
import pickle
import socket
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from conftest import documented_request, new_client
from gateway import MERCHANT_CODE, SECRET, Sandbox

import komopay
from komopay import (
    Attempt,
    Client,
    ConfigurationError,
    DuplicatePayoutError,
    FailureReason,
    InternalError,
    InvalidRequestError,
    KomopayError,
    Money,
    NotFinalError,
    OutcomeUnknownError,
    Payout,
    RateLimitedError,
    Reason,
    RejectedError,
    UnavailableError,
    _native,
)

TABLE = {kind: (name, retryable, moved) for name, kind, retryable, moved in _native._error_kinds()}
FIELDS = ["message", "http_status", "field", "reasons", "payout_id", "attempts", "retry_after", "payout", "concerns"]


def configuration(sandbox: Sandbox) -> None:
    new_client(sandbox, read_attempts=0)


def invalid_request(sandbox: Sandbox) -> None:
    new_client(sandbox).create_payout("no such id!", documented_request())


def authentication(sandbox: Sandbox) -> None:
    Client(merchant_code=MERCHANT_CODE, secret="wrong", base_url=sandbox.url).get_payout("TST-1")


def permission_denied(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "forbidden")
    new_client(sandbox).create_payout("TST-1", documented_request())


def rejected(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "rejected", code="BALANCE_INSUFFICIENT", uses_id_up=False)
    new_client(sandbox).create_payout("TST-1", documented_request())


def duplicate_payout(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    client.create_payout("TST-1", documented_request())
    client.create_payout("TST-1", documented_request())


def not_found(sandbox: Sandbox) -> None:
    new_client(sandbox).get_payout("TST-1")


def rate_limited(sandbox: Sandbox) -> None:
    sandbox.fault("get_payout", "rate_limited", retry_after_secs=3600)
    new_client(sandbox).get_payout("TST-1")


def unavailable(_: Sandbox) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"
        Client(token="t", base_url=url, backoff_base=0.001).get_payout("TST-1")


def timed_out(sandbox: Sandbox) -> None:
    sandbox.fault("get_payout", "delay", ms=60_000)
    new_client(sandbox, total_timeout=3, attempt_timeout=1).get_payout("TST-1")


def not_final(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    client.create_payout("TST-1", documented_request(number="9000000099"))
    client.wait_for_payout("TST-1", timeout=2)


def unexpected_response(sandbox: Sandbox) -> None:
    sandbox.fault("get_payout", "garbage", status=200, execute=False)
    new_client(sandbox).get_payout("TST-1")


def outcome_unknown(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "execute_then_close")
    sandbox.fault("get_payout", "status", status=503)
    client = new_client(sandbox, total_timeout=3, attempt_timeout=1.5, settle_window=0.1)
    client.create_payout("TST-1", documented_request())


def invalid_callback(sandbox: Sandbox) -> None:
    new_client(sandbox, callback_keys=["k" * 32]).read_callback(b'{"idEntity": "TST-1"}', "/hook")


def closed(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    client.close()
    client.create_payout("TST-1", documented_request())


def internal(_: Sandbox) -> None:
    _native._panic()


CALLS: dict[str, Callable[[Sandbox], None]] = {
    call.__name__: call
    for call in (
        configuration,
        invalid_request,
        authentication,
        permission_denied,
        rejected,
        duplicate_payout,
        not_found,
        rate_limited,
        unavailable,
        timed_out,
        not_final,
        unexpected_response,
        outcome_unknown,
        invalid_callback,
        closed,
        internal,
    )
}


def raised(kind: str, sandbox: Sandbox) -> KomopayError:
    with pytest.raises(KomopayError) as caught:
        CALLS[kind](sandbox)
    return caught.value


def test_the_whole_table_is_tested() -> None:
    assert list(CALLS) == list(TABLE)


@pytest.mark.parametrize("kind", TABLE)
def test_every_kind_is_its_class_by_a_real_call_and_survives_pickling(kind: str, sandbox: Sandbox) -> None:
    name, retryable, moved = TABLE[kind]
    error = raised(kind, sandbox)
    assert type(error) is getattr(komopay, name)
    assert (error.kind, error.retryable, error.money_may_have_moved) == (kind, retryable, moved)
    assert str(error) == error.message != ""
    assert error.__cause__ is error.cause
    assert_same(pickle.loads(pickle.dumps(error)), error)


@pytest.mark.parametrize("kind", TABLE)
def test_every_exception_pickles_and_copies_with_all_it_holds(kind: str) -> None:
    payout = Payout(
        payout_id="TST-1",
        money=Money("42.00", "USD"),
        method_code="NEW_METHOD",
        status="FAILED",
        failure_reason=FailureReason(code="SYSTEM", failed_at=datetime.now(timezone.utc), message="m"),
        created_at=datetime.now(timezone.utc),
        fee=Money("0.1", "USD"),
        raw="{}",
    )
    attempt = Attempt(
        operation="POST /payouts/TST-1",
        started_at=datetime.now(timezone.utc),
        duration=timedelta(milliseconds=1.5),
        http_status=503,
        request_id="r",
    )
    error: KomopayError = getattr(komopay, TABLE[kind][0])(
        "what happened",
        http_status=406,
        field="money.amount",
        reasons=[Reason(code="NEW_RULE", field="f", description="d")],
        payout_id="TST-1",
        attempts=[attempt],
        retry_after=timedelta(seconds=3),
        payout=payout,
        cause=UnavailableError("behind it", http_status=503),
        concerns="payout",
    )
    error.add_note("noted") if hasattr(error, "add_note") else None
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert_same(pickle.loads(pickle.dumps(error, protocol)), error)
    assert_same(copy.copy(error), error)
    assert_same(copy.deepcopy(error), error)


def assert_same(twin: KomopayError, error: KomopayError) -> None:
    assert type(twin) is type(error)
    assert twin.args == error.args and str(twin) == str(error)
    assert {name: getattr(twin, name) for name in FIELDS} == {name: getattr(error, name) for name in FIELDS}
    assert getattr(twin, "__notes__", None) == getattr(error, "__notes__", None)
    assert (twin.cause is None) == (error.cause is None)
    assert twin.__cause__ is twin.cause
    if twin.cause is not None and error.cause is not None:
        assert_same(twin.cause, error.cause)


def test_an_exception_is_also_the_built_in_one_that_it_resembles(sandbox: Sandbox) -> None:
    assert issubclass(ConfigurationError, ValueError) and issubclass(InvalidRequestError, ValueError)
    for kind, built_in in [("timed_out", TimeoutError), ("unavailable", ConnectionError)]:
        error = raised(kind, sandbox)
        assert isinstance(error, built_in) and isinstance(error, OSError)
        assert error.errno is None and str(error) == error.message


def test_a_subclass_of_the_merchants_own_keeps_its_kind() -> None:
    class Ours(RejectedError):
        pass

    assert (Ours.kind, Ours("m").retryable) == ("rejected", False)


def test_a_rejection_tells_its_codes(sandbox: Sandbox) -> None:
    error = raised("rejected", sandbox)
    assert [reason.code for reason in error.reasons] == ["BALANCE_INSUFFICIENT"]
    assert (error.http_status, error.payout_id) == (406, "TST-1")


CONCERNS = {
    "configuration": "merchant",
    "authentication": "merchant",
    "permission_denied": "merchant",
    "invalid_request": "payout",
    "rejected": "payout",
    "duplicate_payout": "payout",
}


@pytest.mark.parametrize("kind", TABLE)
def test_every_error_says_whom_it_concerns(kind: str, sandbox: Sandbox) -> None:
    assert raised(kind, sandbox).concerns == CONCERNS.get(kind)


def test_a_refused_merchant_is_told_apart_from_a_refused_row_and_its_token_call_is_an_attempt(sandbox: Sandbox) -> None:
    unknown = Client(merchant_code="TYPO", secret=SECRET, base_url=sandbox.url)
    with unknown, pytest.raises(RejectedError) as refused:
        unknown.create_payout("TST-1", documented_request())
    assert refused.value.concerns == "merchant"
    (attempt,) = refused.value.attempts
    assert (attempt.operation, attempt.http_status) == ("POST /auth-tokens", 406)
    assert pickle.loads(pickle.dumps(refused.value)).concerns == "merchant"


def test_what_the_binding_refuses_itself_says_whom_it_concerns_too(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError) as configured:
        new_client(sandbox, token_scope="all")
    assert configured.value.concerns == "merchant"
    with new_client(sandbox) as client, pytest.raises(InvalidRequestError) as waited:
        client.wait_for_payout("TST-1", timeout=-1)
    assert (waited.value.field, waited.value.concerns) == ("timeout", None)


def test_a_create_refused_for_the_balance_says_what_the_contract_does_not(sandbox: Sandbox) -> None:
    message = str(raised("rejected", sandbox))
    assert "whether the id TST-1 may be used again" in message and "contract does not say" in message


def test_a_duplicate_carries_the_payout_that_was_found(sandbox: Sandbox) -> None:
    error = raised("duplicate_payout", sandbox)
    assert isinstance(error, DuplicatePayoutError)
    assert error.payout is not None and error.payout.money == Money("10000", "IDR")
    assert [attempt.http_status for attempt in error.attempts] == [409, 200]


def test_a_wait_that_ran_out_carries_the_last_payout_seen(sandbox: Sandbox) -> None:
    error = raised("not_final", sandbox)
    assert isinstance(error, NotFinalError)
    assert error.payout is not None and error.payout.status == "PROCESSING"


def test_an_unknown_outcome_carries_its_cause_its_attempts_and_the_way_on(sandbox: Sandbox) -> None:
    error = raised("outcome_unknown", sandbox)
    assert isinstance(error, OutcomeUnknownError)
    assert isinstance(error.cause, KomopayError)
    assert error.payout_id == "TST-1" and error.payout_id in str(error) and "resume" in str(error)
    assert [attempt.operation for attempt in error.attempts[:2]] == ["POST /auth-tokens", "POST /payouts/TST-1"]
    assert error.attempts[0].started_at.tzinfo is not None
    assert sandbox.executed("TST-1") == 1


def test_a_rate_limit_tells_how_long_to_wait(sandbox: Sandbox) -> None:
    error = raised("rate_limited", sandbox)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == timedelta(hours=1)


def test_a_panic_is_an_ordinary_exception(capfd: pytest.CaptureFixture[str]) -> None:
    try:
        _native._panic()
    except Exception as error:
        assert isinstance(error, InternalError)
    assert "on purpose" in capfd.readouterr().err
