"""Celery over JSON: values and errors as arguments, as results and as what a task raises stay what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from broker import Queue
from celery import Celery
from gateway import ACCOUNT_NUMBER, Sandbox
from kombu.exceptions import EncodeError
from program import Program
from salary import SALARY
from samples import ERRORS, OPEN, PERSONAL
from test_errors import assert_same

from komopay import (
    BankTransfer,
    DuplicatePayoutError,
    InvalidRequestError,
    KomopayError,
    OutcomeUnknownError,
    Payout,
    PayoutStatus,
)
from komopay.celery import register_types

pytestmark = pytest.mark.process_model("Celery prefork")


class Worker(Program):
    """A worker over JSON, with one child."""

    def __init__(self, sandbox: Sandbox, queue: Queue, **environment: str) -> None:
        arguments = ["-A", "celery_json_app", "worker", "--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        known = {"BROKER": queue.url, "BACKEND": queue.url, "C_FORCE_ROOT": "true", **environment}
        # The samples are beside the folder of the programs.
        super().__init__("-m", "celery", *arguments, *quiet, sandbox=sandbox, **known)


@pytest.fixture
def caller(queue: Queue) -> Iterator[Celery]:
    app = Celery("caller", broker=queue.url, backend=queue.url, set_as_current=False)
    app.conf.update(task_serializer="json", result_serializer="json", accept_content=["json"])
    register_types()
    yield app
    app.close()


def result(caller: Celery, task: str, *arguments: object) -> Any:
    return caller.send_task(task, arguments).get(timeout=40)


def test_values_and_errors_go_through_a_task_as_themselves(sandbox: Sandbox, queue: Queue, caller: Celery) -> None:
    with Worker(sandbox, queue) as worker:
        worker.wait_for(r"celery@.* ready\.$")
        for value in OPEN:
            twin = result(caller, "echo", value)
            # Without the answer as it came: see `to_dict`.
            assert type(twin) is type(value) and twin == type(value).from_dict(value.to_dict())
        for error in ERRORS.values():
            twin = result(caller, "echo", error)
            assert_same(twin, KomopayError.from_dict(error.to_dict()))
        assert ACCOUNT_NUMBER not in worker.said


def test_what_a_task_raises_comes_back_whole(sandbox: Sandbox, queue: Queue, caller: Celery) -> None:
    with Worker(sandbox, queue, PERSONAL="yes") as worker:
        worker.wait_for(r"celery@.* ready\.$")
        for error in ERRORS.values():
            with pytest.raises(type(error)) as raised:
                result(caller, "fail", error)
            assert_same(raised.value, KomopayError.from_dict(error.to_dict()))
        register_types(include_personal=True)
        sandbox.fault("create_payout", "execute_then_close")
        sandbox.fault("get_payout", "status", status=503)
        with pytest.raises(OutcomeUnknownError) as unknown:
            result(caller, "pay", "TST-LOST", SALARY)
        assert unknown.value.money_may_have_moved and unknown.value.retryable
        assert unknown.value.payout_id == "TST-LOST" and unknown.value.cause is not None
        assert [attempt.operation for attempt in unknown.value.attempts[:2]] == [
            "POST /auth-tokens",
            "POST /payouts/TST-LOST",
        ]


def test_a_request_goes_to_a_task_only_if_that_is_meant(sandbox: Sandbox, queue: Queue, caller: Celery) -> None:
    with Worker(sandbox, queue, PERSONAL="yes") as worker:
        worker.wait_for(r"celery@.* ready\.$")
        for value in PERSONAL:
            with pytest.raises((EncodeError, InvalidRequestError), match="include_personal"):
                caller.send_task("echo", (value,))
        register_types(include_personal=True)
        for value in PERSONAL:
            assert result(caller, "echo", value) == value
        payout = result(caller, "pay", "TST-1", SALARY)
        assert isinstance(payout, Payout) and payout.status is PayoutStatus.SUCCESS and payout.raw
        with pytest.raises(DuplicatePayoutError) as duplicate:
            result(caller, "pay", "TST-1", SALARY)
        assert duplicate.value.payout == payout.replace(raw="") and duplicate.value.concerns == "payout"
        assert sandbox.executed("TST-1") == 1 and ACCOUNT_NUMBER not in worker.said


def test_a_result_that_is_personal_is_refused_and_shows_nothing(sandbox: Sandbox, queue: Queue, caller: Celery) -> None:
    with Worker(sandbox, queue) as worker:
        worker.wait_for(r"celery@.* ready\.$")
        with pytest.raises(Exception, match="include_personal"):
            result(caller, "give_personal")
        assert isinstance(SALARY.method, BankTransfer) and SALARY.method.account.number not in worker.said
