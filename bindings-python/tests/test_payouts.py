"""The main job, end to end against the sandbox, and what of it is on the wire."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import documented_request, new_client
from gateway import MERCHANT_CODE, SECRET, Recorder, Sandbox, Seen

import komopay
from komopay import Client, Money, Payout, PayoutAccepted, PayoutStatus, TimedOutError

DOCUMENTED = Path(__file__).parents[2] / "tests" / "contract" / "documented"


def documented(name: str) -> bytes:
    return (DOCUMENTED / name).read_bytes().strip()


def test_the_documented_payout_is_made_once_and_followed_to_its_end(client: Client, sandbox: Sandbox) -> None:
    accepted = client.create_payout("TST-223344", documented_request())
    assert isinstance(accepted, PayoutAccepted)
    assert (accepted.payout_id, accepted.money, accepted.recovered) == ("TST-223344", Money(10000, "IDR"), False)
    payout = client.wait_for_payout("TST-223344", timeout=60)
    assert payout.status == PayoutStatus.SUCCESS == "SUCCESS"
    assert payout.is_final
    assert payout.fee == Money("100", "IDR")
    assert payout.created_at is not None and payout.created_at.utcoffset() == timedelta(0)
    assert client.get_payout("TST-223344") == payout
    assert sandbox.executed("TST-223344") == 1


def test_a_lost_answer_comes_back_as_recovered_with_one_line_in_the_ledger(client: Client, sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "execute_then_close", {"nth": 1})
    accepted = client.create_payout("TST-1", documented_request())
    assert accepted.recovered
    assert accepted.payout is not None and accepted.payout.money == Money("10000", "IDR")
    assert sandbox.executed("TST-1") == 1


def test_a_payout_that_was_made_before_is_found_with_resume(client: Client, sandbox: Sandbox) -> None:
    client.create_payout("TST-1", documented_request())
    assert client.create_payout("TST-1", documented_request(), resume=True).recovered
    assert sandbox.executed("TST-1") == 1


def test_a_failed_payout_is_an_answer_with_its_reason(client: Client) -> None:
    client.create_payout("TST-1", documented_request(number="9000000019"))
    payout = client.wait_for_payout("TST-1", timeout=timedelta(seconds=60))
    assert payout.status == PayoutStatus.FAILED
    assert payout.failure_reason is not None
    assert payout.failure_reason.code == "INVALID_ACCOUNT_NUMBER"


def test_the_documented_create_is_on_the_wire_as_documented() -> None:
    path = "/payouts/TST-223344"
    token = documented("token.jwt").decode()
    with Recorder({("POST", path): (201, documented("create.response.json"))}) as recorder:
        with Client(token=token, base_url=recorder.url) as client:
            accepted = client.create_payout("TST-223344", documented_request())
    (seen,) = recorder.seen
    assert (seen.method, seen.path) == ("POST", path)
    assert json.loads(seen.body, parse_float=Decimal) == json.loads(documented("create.request.json"))
    assert seen.headers == {
        "accept": "application/json",
        "content-type": "application/json",
        "x-api-version": "2",
        "authorization": f"Bearer {token}",
        "host": recorder.url.removeprefix("http://"),
        "content-length": str(len(seen.body)),
        "user-agent": f"komopay-python/{komopay.__version__}",
    }
    assert accepted == PayoutAccepted(
        payout_id="TST-223344",
        money=Money("10000", "IDR"),
        method_code="BANK_TRANSFER",
        raw=documented("create.response.json").decode(),
    )


def test_the_documented_status_comes_back_as_a_typed_value() -> None:
    path, answer = "/payouts/TST-112233", documented("status.response.json")
    with Recorder({("GET", path): (200, answer)}) as recorder:
        with Client(token="ready-token", base_url=recorder.url) as client:
            payout = client.get_payout("TST-112233")
    (seen,) = recorder.seen
    assert seen.headers == {
        "accept": "application/json",
        "x-api-version": "2",
        "authorization": "Bearer ready-token",
        "host": recorder.url.removeprefix("http://"),
        "user-agent": f"komopay-python/{komopay.__version__}",
    }
    assert payout == Payout(
        payout_id="TST-112233",
        money=Money("42.05", "USD"),
        method_code="BANK_TRANSFER",
        status="SUCCESS",
        created_at=datetime(2021, 5, 19, 10, 57, 28, 313000, timezone.utc),
        processed_at=datetime(2021, 5, 19, 10, 58, 28, 313000, timezone.utc),
        is_test=False,
        fee=Money("0.1", "USD"),
        raw=answer.decode(),
    )
    assert payout.fee is not None and payout.fee.amount == Decimal("0.1")


def test_an_unknown_status_is_kept_as_it_came_and_is_not_final() -> None:
    answer = documented("status.response.json").replace(b'"SUCCESS"', b'"ON_HOLD"')
    with Recorder({("GET", "/payouts/TST-112233"): (200, answer)}) as recorder:
        with Client(token="ready-token", base_url=recorder.url) as client:
            payout = client.get_payout("TST-112233")
    assert payout.status == "ON_HOLD"
    assert not payout.is_final


def test_the_gil_is_released_so_that_calls_of_many_threads_are_under_way_together() -> None:
    # Nothing is answered before all have arrived, and this gateway needs the GIL itself.
    together = threading.Barrier(8, timeout=30)

    def meet(_: Seen) -> None:
        together.wait()

    answer = documented("status.response.json").replace(b"TST-112233", b"TST-1")
    with Recorder({("GET", "/payouts/TST-1"): (200, answer)}, before_answer=meet) as recorder:
        with Client(token="ready-token", base_url=recorder.url) as client, ThreadPoolExecutor(8) as threads:
            payouts = list(threads.map(client.get_payout, ["TST-1"] * 8))
    assert len(payouts) == len(recorder.seen) == 8


def test_equal_creates_of_many_threads_are_one_payout(client: Client, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(client.create_payout, "TST-1", documented_request(), resume=True) for _ in range(8)]
        assert {call.result().payout_id for call in calls} == {"TST-1"}
    assert sandbox.executed("TST-1") == 1


@pytest.mark.parametrize("span", [0.5, 1, timedelta(milliseconds=500)])
def test_times_are_numbers_of_seconds_or_timedeltas(span: float | timedelta) -> None:
    def hold(_: Seen) -> None:
        release.wait()

    release = threading.Event()
    with Recorder({("GET", "/payouts/TST-1"): (500, b"")}, before_answer=hold) as recorder:
        with Client(token="t", base_url=recorder.url, total_timeout=span, attempt_timeout=0.25) as client:
            with pytest.raises(TimedOutError) as caught:
                client.get_payout("TST-1")
            release.set()
    assert caught.value.attempts[0].duration >= timedelta(seconds=0.25)


def test_the_example_pays(sandbox: Sandbox) -> None:
    example = Path(__file__).parents[1] / "examples" / "quickstart.py"
    environment = {
        **os.environ,
        "KOMOPAY_MERCHANT_CODE": MERCHANT_CODE,
        "KOMOPAY_SECRET": SECRET,
        "KOMOPAY_BASE_URL": sandbox.url,
    }
    ran = subprocess.run(
        [sys.executable, example], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "SUCCESS" in ran.stdout and "11223344" not in ran.stdout
    assert sandbox.executed("TST-223344") == 1


def test_a_closed_client_may_be_closed_again(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    client.close()
    client.close()
