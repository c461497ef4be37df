"""`komopay.testing`: the gateway inside the process, its pytest plugin, and `python -m komopay sandbox`."""

from __future__ import annotations

import _thread
import asyncio
import doctest
import http.client
import http.server
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import timedelta
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from conftest import documented_request
from gateway import RECORD

import komopay
import komopay_testing
from komopay import (
    AsyncClient,
    AuthenticationError,
    Client,
    ConfigurationError,
    KomopayError,
    Money,
    OutcomeUnknownError,
    PayoutRequest,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from komopay.testing import Sandbox, account_number

pytest_plugins = ["pytester"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with sandbox.client() as client:
        yield client


def test_the_examples_in_the_docstrings_are_true() -> None:
    examples = doctest.testmod(komopay_testing, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    assert examples.failed == 0 and examples.attempted > 10


# What happened.


def test_a_payout_moves_the_balance_and_stands_in_the_ledger(sandbox: Sandbox, client: Client) -> None:
    before = sandbox.balance("IDR")
    client.create_payout("TST-1", documented_request())
    assert client.wait_for_payout("TST-1", timeout=5).status == "SUCCESS"
    executed, booked = sandbox.ledger
    assert (executed.sequence, executed.kind, booked.kind) == (1, "executed", "booked")
    assert executed.payout_id == "TST-1" and executed.money == Money("10000", "IDR")
    assert executed.at.utcoffset() == timedelta(0) and executed.payee_hash == booked.payee_hash
    assert sandbox.balance("IDR").balance.amount == before.balance.amount - 10000
    assert (sandbox.executed("TST-1"), sandbox.executed("TST-2")) == (1, 0)
    assert sandbox.calls("create_payout") == sandbox.calls("issue_token") == 1


def test_a_line_of_the_ledger_reads_well_and_does_not_change(sandbox: Sandbox, client: Client) -> None:
    client.create_payout("TST-1", documented_request())
    (entry, _) = sandbox.ledger
    text = str(entry)
    assert text.startswith("   1 20") and f"Z executed TST-1 10000 IDR payee {entry.payee_hash}" in text
    assert "11223344" not in text + repr(entry)
    assert pickle.loads(pickle.dumps(entry)) == entry
    with pytest.raises(FrozenInstanceError):
        setattr(entry, "payout_id", "TST-2")


def test_balances_are_exact_and_others_stay_as_they_were() -> None:
    with Sandbox(balances={"USD": "42.05", "IDR": 7, "USDT": Decimal("0.000001")}) as sandbox:
        amounts = [sandbox.balance(currency).available for currency in ("USD", "IDR", "USDT")]
        assert amounts == [Money("42.05", "USD"), Money(7, "IDR"), Money("0.000001", "USDT")]
        assert sandbox.balance("INR").balance.amount > 0
        with pytest.raises(KeyError, match="XXY"):
            sandbox.balance("XXY")
    with pytest.raises(ConfigurationError, match="balances: IDR: .*a float is not an exact amount"):
        Sandbox(balances={"IDR": 0.1})  # type: ignore[dict-item]


def test_a_payout_stays_in_processing_as_long_as_asked_and_idle_waits_for_its_end() -> None:
    with Sandbox(processing_time=timedelta(seconds=3)) as sandbox, sandbox.client() as client:
        client.create_payout("TST-1", documented_request())
        assert client.get_payout("TST-1").status == "PROCESSING"
        assert sandbox.balance("IDR").pending_payout == Money("10000", "IDR")
        sandbox.idle()
        assert [entry.kind for entry in sandbox.ledger] == ["executed", "booked"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"failure": "INVALID_ACCOUNT_NUMBER"},
        {"status": "FAILED", "failure": "IP_DENIED"},
        {"status": "REFUSED", "failure": "IP_DENIED"},
        {"status": "REFUSED"},
        {"status": "FAILED"},
        {"status": "PROCESSING"},
        {"status": "SUCCESS"},
        {},
    ],
)
def test_an_account_number_decides_how_a_payout_ends(
    wanted: dict[str, str], sandbox: Sandbox, client: Client
) -> None:
    client.create_payout("TST-1", documented_request(number=account_number(**wanted)))
    payout = client.get_payout("TST-1")
    assert payout.status == wanted.get("status", "FAILED" if wanted else "SUCCESS")
    if "failure" in wanted:
        assert payout.failure_reason is not None and payout.failure_reason.code == wanted["failure"]


@pytest.mark.parametrize(
    "wanted", [{"failure": "NOPE"}, {"status": "NOPE"}, {"status": "SUCCESS", "failure": "SYSTEM"}]
)
def test_an_account_number_that_does_not_exist_lists_those_that_do(wanted: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"no account number ends .*there is SUCCESS, FAILED SYSTEM, .*REFUSED, PROCE"):
        account_number(**wanted)


# What breaks.


def test_a_lost_answer_and_a_lost_request_are_each_paid_once(sandbox: Sandbox, client: Client) -> None:
    sandbox.lose_answer()
    assert client.create_payout("TST-1", documented_request()).recovered
    sandbox.lose_request()
    assert not client.create_payout("TST-2", documented_request()).recovered
    assert (sandbox.executed("TST-1"), sandbox.executed("TST-2")) == (1, 1)
    assert sandbox.calls("create_payout") == 3


def test_a_fault_waits_for_its_call_and_its_payout(sandbox: Sandbox, client: Client) -> None:
    sandbox.reject("BALANCE_INSUFFICIENT", nth=2)
    sandbox.reject("IP_DENIED", payout_id="TST-3", nth=None)
    client.create_payout("TST-1", documented_request())
    with pytest.raises(RejectedError) as caught:
        client.create_payout("TST-2", documented_request())
    assert [reason.code for reason in caught.value.reasons] == ["BALANCE_INSUFFICIENT"]
    for _ in range(2):
        with pytest.raises(RejectedError, match="IP_DENIED"):
            client.create_payout("TST-3", documented_request())
    sandbox.clear_faults()
    client.create_payout("TST-3", documented_request())


def test_a_hidden_outcome_is_unknown_until_it_can_be_seen_again(sandbox: Sandbox) -> None:
    with sandbox.client(total_timeout=3, attempt_timeout=1.5) as client:
        sandbox.hide_outcome(payout_id="TST-1")
        with pytest.raises(OutcomeUnknownError):
            client.create_payout("TST-1", documented_request())
        client.create_payout("TST-2", documented_request())
        sandbox.clear_faults()
        assert client.create_payout("TST-1", documented_request(), resume=True).recovered
    assert sandbox.executed("TST-1") == 1


def test_an_outage_moves_nothing(sandbox: Sandbox) -> None:
    sandbox.unavailable()
    with sandbox.client(total_timeout=3, attempt_timeout=1.5) as client:
        with pytest.raises(UnavailableError) as caught:
            client.create_payout("TST-1", documented_request())
        with pytest.raises(OutcomeUnknownError):
            client.create_payout("TST-1", documented_request(), resume=True)
    assert caught.value.http_status == 503
    assert not sandbox.ledger and not sandbox.calls("create_payout")


def test_a_rate_limit_tells_how_long_to_wait(sandbox: Sandbox, client: Client) -> None:
    sandbox.rate_limit(retry_after=60)
    with pytest.raises(RateLimitedError) as caught:
        client.create_payout("TST-1", documented_request())
    assert caught.value.retry_after == timedelta(seconds=60)
    sandbox.rate_limit()
    client.create_payout("TST-1", documented_request())


def test_a_slow_gateway_executes_and_a_stop_does_not_wait_for_it(sandbox: Sandbox) -> None:
    sandbox.slow(timedelta(minutes=10))
    with sandbox.client(total_timeout=2, attempt_timeout=1) as client, pytest.raises(OutcomeUnknownError):
        client.create_payout("TST-1", documented_request())
    sandbox.clear_faults()
    sandbox.slow(0.05, operation="get_payout", nth=1)
    with sandbox.client() as client:
        client.create_payout("TST-2", documented_request())
        assert client.get_payout("TST-2").is_final
    sandbox.stop()
    assert sandbox.executed("TST-2") == 1


def test_an_inactive_merchant_gets_no_token(sandbox: Sandbox, client: Client) -> None:
    sandbox.set_merchant_active(False)
    with pytest.raises(RejectedError, match="MERCHANT_INACTIVE"):
        client.create_payout("TST-1", documented_request())
    sandbox.set_merchant_active(True)
    client.create_payout("TST-1", documented_request())


@pytest.mark.parametrize(
    ("operation", "effect", "details", "text"),
    [
        ("pay", "not_found", {}, "unknown variant `pay`, expected one of `issue_token`, .*`create_payout`"),
        ("create_payout", "explode", {}, "unknown variant `explode`, expected one of `delay`, `hold`"),
        ("create_payout", "delay", {"seconds": 1}, "unknown field `seconds`, expected `ms`"),
        ("create_payout", "delay", {"ms": -1}, "integer `-1`, expected u64"),
        ("create_payout", "status", {"status": 99}, "status 99 is not between 200 and 599"),
        ("create_payout", "not_found", {"nth": 0}, "nth counts from 1"),
        ("create_payout", "not_found", {"rate": 1.5}, "rate goes from 0 to 1"),
    ],
)
def test_a_fault_that_makes_no_sense_says_what_there_is(
    operation: str, effect: str, details: dict[str, int], text: str, sandbox: Sandbox, client: Client
) -> None:
    with pytest.raises(ValueError, match=text):
        sandbox.fail(operation, effect, **details)  # type: ignore[arg-type]
    client.create_payout("TST-1", documented_request())


def test_a_rate_is_the_same_again_under_the_same_seed() -> None:
    def misses(seed: int) -> list[bool]:
        with Sandbox(seed=seed) as sandbox, sandbox.client(token_scope="everything") as client:
            sandbox.fail("create_payout", "forbidden", rate=0.5)
            return [_is_refused(client, f"TST-{number}") for number in range(32)]

    assert misses(7) == misses(7) != misses(8)


def _is_refused(client: Client, payout_id: str) -> bool:
    try:
        client.create_payout(payout_id, documented_request())
    except KomopayError:
        return True
    return False


def test_a_count_of_an_unknown_operation_lists_the_known_ones(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="operation: unknown variant `pay`, expected one of `issue_token`"):
        sandbox.calls("pay")


# Callbacks.


class Receiver(http.server.ThreadingHTTPServer):
    """A merchant's server: it keeps the payout ids that it was told, and answers with these statuses, then with 200."""

    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), _Callbacks)
        self.answers = list(answers)
        self.told: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook?mac=1"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Callbacks(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append(body["idEntity"])
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def told_to(receiver: Receiver) -> PayoutRequest:
    request = documented_request()
    return PayoutRequest(money=request.money, method=request.method, callback_url=receiver.url)


def told(sandbox: Sandbox) -> list[tuple[str | None, int, str, int | None]]:
    return [(each.status, each.attempt, each.outcome, each.http_status) for each in sandbox.deliveries()]


def test_a_callback_is_repeated_two_minutes_later_and_a_correction_is_told(sandbox: Sandbox, client: Client) -> None:
    with Receiver(500) as receiver:
        client.create_payout("TST-1", told_to(receiver))
        sandbox.idle()
        assert not sandbox.wait_for_deliveries(timeout=0.001)
        sandbox.advance(timedelta(minutes=2))
        assert sandbox.wait_for_deliveries()
        before = client.get_payout("TST-1")
        sandbox.change_status("TST-1", "FAILED", "IP_DENIED")
        after = client.get_payout("TST-1")
        assert sandbox.wait_for_deliveries()
        sandbox.send_callback("TST-1")
        assert sandbox.wait_for_deliveries()
        assert told(sandbox) == [
            ("SUCCESS", 1, "answered", 500),
            ("SUCCESS", 2, "answered", 200),
            ("FAILED", 1, "answered", 200),
            ("FAILED", 1, "answered", 200),
        ]
        assert receiver.told == ["TST-1"] * 4
    assert (after.status, after.failure_reason and after.failure_reason.code) == ("FAILED", "IP_DENIED")
    assert before.processed_at is not None and after.processed_at is not None
    assert after.processed_at > before.processed_at
    first, second = sandbox.deliveries()[:2]
    assert second.at - first.at >= timedelta(minutes=2) and first.url == receiver.url
    assert pickle.loads(pickle.dumps(first)) == first
    sandbox.stop()
    assert sandbox.wait_for_deliveries() and len(sandbox.deliveries()) == 4


def test_what_goes_wrong_with_callbacks_is_asked_for() -> None:
    with Sandbox(callback_on_create=True, callback_interval=0.001) as sandbox, Receiver() as receiver:
        sandbox.fail_callback("after_next", status="PROCESSING", attempt=1)
        sandbox.fail_callback("lose", payout_id="TST-2", attempt=1, nth=None)
        with sandbox.client() as client:
            client.create_payout("TST-1", told_to(receiver))
            assert sandbox.wait_for_deliveries()
            assert [each.status for each in sandbox.deliveries()] == ["SUCCESS", "PROCESSING"]
            client.create_payout("TST-2", told_to(receiver))
            assert sandbox.wait_for_deliveries()
        assert sum(each.outcome == "lost" for each in sandbox.deliveries()) == 2
        assert receiver.told == ["TST-1", "TST-1", "TST-2", "TST-2"]


def test_a_forged_callback_is_sent_and_another_machine_gets_none(sandbox: Sandbox) -> None:
    with Receiver() as receiver:
        forged = sandbox.forge_callback("TST-9", receiver.url)
        assert (forged.status, forged.outcome, forged.http_status) == (None, "answered", 200)
        assert receiver.told == ["TST-9"] and sandbox.deliveries() == [forged]
    withheld = sandbox.forge_callback("TST-9", "https://callback.example.com")
    assert withheld.outcome == "withheld" and withheld.reason is not None and "deliver_to_any_host" in withheld.reason


def test_what_cannot_be_told_or_changed_is_an_ordinary_error(sandbox: Sandbox, client: Client) -> None:
    with pytest.raises(KeyError, match="no such payout"):
        sandbox.send_callback("TST-1")
    with pytest.raises(KeyError, match="no such payout"):
        sandbox.change_status("TST-1", "FAILED")
    client.create_payout("TST-1", documented_request())
    for status, failure, text in [
        ("PAID", None, "there is no status PAID; there is SUCCESS"),
        ("FAILED", "NOPE", "there is no failure reason NOPE; there is .*SYSTEM"),
        ("SUCCESS", None, "the payout is SUCCESS already"),
        ("PROCESSING", None, "it becomes SUCCESS, FAILED or REFUSED"),
    ]:
        with pytest.raises(ValueError, match=text):
            sandbox.change_status("TST-1", status, failure)
    with pytest.raises(ValueError, match="unknown variant `explode`, expected one of `duplicate`"):
        sandbox.fail_callback("explode")
    with pytest.raises(ValueError, match="copies goes from 1 to 100"):
        sandbox.fail_callback("duplicate", copies=0)
    with pytest.raises(ValueError, match="callback_interval"):
        Sandbox(callback_interval=0)
    sandbox.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        sandbox.forge_callback("TST-1", "http://127.0.0.1:1/")


# How it lives.


def test_its_credentials_are_the_ones_asked_for_and_repr_shows_no_secret() -> None:
    with Sandbox(merchant_code="ME", secret="my-own-secret") as sandbox:
        assert (sandbox.merchant_code, sandbox.secret) == ("ME", "my-own-secret")
        assert repr(sandbox) == f"Sandbox(base_url='{sandbox.base_url}', merchant_code='ME')"
        with sandbox.client() as client:
            client.create_payout("TST-1", documented_request())
        with sandbox.client(secret="another") as client, pytest.raises(AuthenticationError):
            client.create_payout("TST-2", documented_request())


def test_code_that_makes_its_own_client_finds_the_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in sandbox.environment.items():
        monkeypatch.setenv(variable, value)
    with Client.from_env() as client:
        client.create_payout("TST-1", documented_request())
    assert sandbox.executed("TST-1") == 1


def test_a_client_for_asyncio_pays_too(sandbox: Sandbox) -> None:
    async def pay() -> bool:
        async with sandbox.async_client(total_timeout=4) as client:
            return (await client.create_payout("TST-1", documented_request())).recovered

    sandbox.lose_answer()
    assert asyncio.run(pay())
    assert sandbox.executed("TST-1") == 1


def test_a_client_with_a_token_has_no_credentials_beside_it(sandbox: Sandbox) -> None:
    with sandbox.client(token="no-token-of-this-gateway") as client, pytest.raises(AuthenticationError):
        client.create_payout("TST-1", documented_request())
    assert not sandbox.calls("issue_token")


def test_two_sandboxes_share_nothing(sandbox: Sandbox, client: Client) -> None:
    with Sandbox() as other:
        client.create_payout("TST-1", documented_request())
        assert other.base_url != sandbox.base_url and not other.ledger


def test_a_stopped_sandbox_listens_no_more_and_can_still_be_read(sandbox: Sandbox, client: Client) -> None:
    client.create_payout("TST-1", documented_request())
    sandbox.stop()
    sandbox.stop()
    sandbox.idle()
    assert sandbox.executed("TST-1") == 1 and sandbox.balance("IDR").pending_payout.amount == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(sandbox))


def test_the_end_of_a_with_block_stops_it() -> None:
    with Sandbox() as sandbox:
        socket.create_connection(address(sandbox)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(sandbox))


def test_a_port_in_use_and_a_bad_setting_are_ordinary_errors(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="cannot listen on 127.0.0.1") as caught:
        Sandbox(port=address(sandbox)[1])
    assert caught.value.errno
    with pytest.raises(ValueError, match="the balance in IDR must be a decimal number of at least 0"):
        Sandbox(balances={"IDR": "-1"})
    with pytest.raises(ValueError, match="processing_time"):
        Sandbox(processing_time=-1)
    with pytest.raises(ConfigurationError, match="port: must be a whole number"):
        Sandbox(port=65_536)
    monkeypatch.setenv(RECORD, str(tmp_path / "no" / "calls.jsonl"))
    with pytest.raises(FileNotFoundError, match="cannot write calls to .*calls.jsonl"):
        Sandbox()


def test_the_control_api_answers_only_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # Where it is off, its path is a wrong one, which the contract does not have.
    monkeypatch.delenv(RECORD, raising=False)
    with Sandbox(control=True) as open_one, Sandbox() as closed_one:
        assert open_one.control_token is not None and closed_one.control_token is None
        assert open_one.environment["KOMOPAY_SANDBOX_TOKEN"] == open_one.control_token
        assert "KOMOPAY_SANDBOX_TOKEN" not in closed_one.environment
        assert open_one.control_token not in repr(open_one)
        right, wrong = ({"Authorization": f"Bearer {token}"} for token in (open_one.control_token, "wrong"))
        for each, headers, status in (
            (open_one, right, 200),
            (open_one, wrong, 401),
            (open_one, {}, 401),
            (open_one, {**right, "Origin": "https://evil.example"}, 403),
            (open_one, {**right, "Host": "evil.example"}, 403),
            (closed_one, right, 404),
        ):
            connection = http.client.HTTPConnection(*address(each))
            connection.request("GET", "/_sandbox/health", headers=headers)
            assert connection.getresponse().status == status, (headers, status)
            connection.close()


@pytest.mark.skipif(os.name != "posix", reason="rights of files are decided by their folder")
def test_a_record_is_for_its_owner_alone_and_one_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "calls.jsonl"
    monkeypatch.setenv(RECORD, str(record))
    Sandbox().stop()
    assert record.stat().st_mode & 0o777 == 0o600
    record.chmod(0o640)
    with pytest.raises(PermissionError, match="its rights are 640.*chmod 600"):
        Sandbox()


@pytest.mark.parametrize("late", [None, 0.05, timedelta(milliseconds=50)])
def test_an_answer_strays_or_comes_twice_and_the_payout_is_executed(
    late: float | timedelta | None, sandbox: Sandbox
) -> None:
    # The token call and the create go over one connection, which the answer strays on.
    with sandbox.client(token_scope="everything", settle_window=1.0) as client:
        client.currencies()
        sandbox.stray_answer(502, body="<html>", headers={"Content-Type": "text/html"}, execute_after=late)
        assert client.create_payout("TST-1", documented_request()).payout_id == "TST-1"
        client.currencies()
        sandbox.previous_answer(payout_id="TST-2", execute_after=late)
        assert client.create_payout("TST-2", documented_request()).payout_id == "TST-2"
    sandbox.idle()
    assert (sandbox.executed("TST-1"), sandbox.executed("TST-2")) == (1, 1)
    with pytest.raises(ValueError, match="unknown field `status`"):
        sandbox.fail("create_payout", "previous_answer", status=400)


def test_ctrl_c_ends_the_waiting_for_idle() -> None:
    with Sandbox(processing_time=600) as sandbox, sandbox.client() as client:
        client.create_payout("TST-1", documented_request())

        def interrupt() -> None:
            # A call of its own, so that the other thread has begun to wait.
            client.get_payout("TST-1")
            _thread.interrupt_main()

        interrupter = threading.Thread(target=interrupt)
        with pytest.raises(KeyboardInterrupt):
            interrupter.start()
            sandbox.idle()
        interrupter.join()


def test_waiting_for_idle_lets_other_threads_run_and_a_stop_ends_it() -> None:
    with Sandbox(processing_time=600) as sandbox, sandbox.client() as client:
        client.create_payout("TST-1", documented_request())
        waiter = threading.Thread(target=sandbox.idle)
        waiter.start()
        # Makes calls while the other thread waits, which needs the GIL.
        assert client.get_payout("TST-1").status == "PROCESSING"
        sandbox.stop()
        waiter.join(30)
        assert not waiter.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_is_told_that_the_sandbox_is_not_its_own_and_ends() -> None:
    program = """
import os, socket, sys
from komopay.testing import Sandbox
sandbox = Sandbox()
reader, writer = os.pipe()
if os.fork() == 0:
    try:
        sandbox.stop()
    except RuntimeError as error:
        os.write(writer, str(error).encode())
    del sandbox
    sys.exit(0)
print(os.read(reader, 1000).decode(), os.wait()[1])
host, port = sandbox.base_url.removeprefix("http://").split(":")
socket.create_connection((host, int(port))).close()
sandbox.stop()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "belongs to process" in ran.stdout and ran.stdout.endswith(" 0\n")


def test_a_sandbox_that_nobody_stops_does_not_hold_up_the_end_of_the_interpreter() -> None:
    program = "from komopay.testing import Sandbox; sandbox = Sandbox(); Sandbox(); print(sandbox.base_url)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_importing_komopay_does_not_import_its_testing() -> None:
    program = "import sys, komopay; print([name for name in sys.modules if 'testing' in name or 'pytest' in name])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"


# A package of its own.

WITHOUT = "import sys; sys.modules['komopay_testing'] = None; sys.argv[0] = 'komopay'; "
HOW = 'install it: pip install "komopay[testing]"'


def test_without_the_package_of_the_gateway_its_import_says_how_to_get_it() -> None:
    program = WITHOUT + "import komopay; komopay.Client; import komopay.testing"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr.splitlines()[-1].split(": ")[0]) == (1, "ModuleNotFoundError")
    assert HOW in ran.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["sandbox", "trigger"])
def test_without_the_package_of_the_gateway_its_commands_say_how_to_get_it(command: str) -> None:
    program = WITHOUT + "from komopay.__main__ import main; sys.exit(main())"
    arguments = [sys.executable, "-c", program, command]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"{command}: ") and ran.stderr.endswith(f"{HOW}\n")


def test_another_version_of_komopay_is_refused() -> None:
    program = "import komopay; komopay.__version__ = '9.9.9'; import komopay.testing"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert f"komopay 9.9.9 and komopay-testing {komopay.__version__} must be of one version" in ran.stderr


def test_each_of_the_packages_asks_for_the_other_in_its_own_version() -> None:
    version = metadata.version("komopay-testing")
    assert version == metadata.version("komopay") == komopay.__version__
    assert metadata.requires("komopay-testing") == [f"komopay=={version}"]
    wanted = f"komopay-testing=={version} ; extra == 'testing'"
    assert wanted in (metadata.requires("komopay") or [])


# The pytest plugin.

PAYROLL = """
from komopay import BankAccount, BankTransfer, Money, PayoutRequest

SALARY = PayoutRequest(money=Money("10000", "IDR"), method=BankTransfer(
    operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")))
"""


def test_the_fixtures_are_there_and_each_test_has_a_fresh_sandbox(pytester: pytest.Pytester) -> None:
    body = """
def test_one(komopay_client, komopay_sandbox):
    komopay_sandbox.lose_answer()
    assert komopay_client.create_payout("SALARY-1", SALARY).recovered
    assert komopay_sandbox.executed("SALARY-1") == 1

def test_two(komopay_client, komopay_sandbox):
    assert not komopay_client.create_payout("SALARY-1", SALARY).recovered
    assert komopay_sandbox.executed("SALARY-1") == 1
"""
    pytester.makepyfile(PAYROLL + body)
    # pytest-asyncio warns of a setting of its own.
    options = ["-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error"]
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=2)


ASYNC = """
import asyncio, pytest

MARK

async def test_one(komopay_async_client, komopay_sandbox):
    komopay_sandbox.lose_answer()
    assert (await komopay_async_client.create_payout("SALARY-1", SALARY)).recovered
    assert komopay_sandbox.executed("SALARY-1") == 1

async def test_two_leaves_a_create_on_the_wire(komopay_async_client, komopay_sandbox):
    komopay_sandbox.slow(0.1)
    task = asyncio.create_task(komopay_async_client.create_payout("SALARY-1", SALARY))
    while not komopay_sandbox.calls("create_payout"):
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

def test_three_needs_no_loop(komopay_async_client):
    for _ in range(2):
        assert "IDR" in asyncio.run(komopay_async_client.currencies())
"""

PLUGINS = {
    "pytest-asyncio": ("pytestmark = []", ["-o", "asyncio_mode=auto"]),
    "pytest-asyncio, strict": ("asynchronous = pytest.mark.asyncio", []),
    "anyio": (
        "asynchronous = pytest.mark.anyio\nanyio_backend = pytest.fixture(lambda: 'asyncio')",
        ["-p", "no:asyncio"],
    ),
}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_client_for_asyncio_is_one_of_whatever_runs_the_loop(plugin: str, pytester: pytest.Pytester) -> None:
    mark, options = PLUGINS[plugin]
    body = PAYROLL + ASYNC.replace("MARK", mark)
    if "asynchronous" in mark:
        body = body.replace("\nasync def test", "\n@asynchronous\nasync def test")
    if "no:asyncio" not in options:
        options = [*options, "-o", "asyncio_default_fixture_loop_scope=function"]
    pytester.makepyfile(body)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", *options)
    result.assert_outcomes(passed=3)


def test_a_method_of_one_client_is_replaced_for_a_test_and_a_setting_is_not(
    sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock.patch.object(client, "create_payout", return_value="taken") as create:
        assert client.create_payout("TST-1", documented_request()) == "taken"
        assert create.call_args.args[0] == "TST-1"
        with sandbox.client() as other:
            assert not other.create_payout("TST-2", documented_request()).recovered
    with mock.patch.object(Client, "get_payout", side_effect=UnavailableError("down")):
        with pytest.raises(UnavailableError, match="down"):
            client.get_payout("TST-2")
    with monkeypatch.context() as patched:
        patched.setattr(client, "currencies", lambda: ["XYZ"])
        assert client.currencies() == ["XYZ"]
    assert client.currencies() != ["XYZ"] and client.get_payout("TST-2").status == "SUCCESS"
    with pytest.raises(AttributeError, match="a client has no method total_timeout that could be replaced; setti"):
        client.total_timeout = 5
    with pytest.raises(AttributeError, match="currencies was not replaced"):
        del client.currencies


def test_a_method_of_a_client_for_asyncio_is_replaced_by_one_that_is_awaited(sandbox: Sandbox) -> None:
    async def run() -> None:
        async with sandbox.async_client() as client:
            with mock.patch.object(client, "create_payout", return_value="taken") as create:
                assert await client.create_payout("TST-1", documented_request()) == "taken"
                create.assert_awaited_once()
            assert not (await client.create_payout("TST-1", documented_request())).recovered
            with pytest.raises(AttributeError, match="a client has no method total_timeout that could be replaced"):
                client.total_timeout = 5

    asyncio.run(run())


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_mock_of_a_client_has_its_methods_and_no_others(kind: type[Client | AsyncClient]) -> None:
    client: Any = mock.create_autospec(kind, instance=True)
    is_one = isinstance(client, kind)
    assert is_one
    client.create_payout.return_value = "taken"
    made = client.create_payout("TST-1", documented_request(), resume=True)
    assert (made if kind is Client else asyncio.run(made)) == "taken"
    with pytest.raises(AttributeError):
        client.pay("TST-1")
    if kind is AsyncClient:
        with pytest.raises(TypeError, match="request"):
            client.create_payout("TST-1")


def test_a_failed_test_shows_what_happened_to_the_money(pytester: pytest.Pytester) -> None:
    body = """
def test_fails(komopay_client):
    komopay_client.create_payout("SALARY-1", SALARY)
    assert False
"""
    pytester.makepyfile(PAYROLL + body)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    title, line = "-+ Captured komopay ledger teardown -+", " +1 .* executed SALARY-1 10000 IDR payee [0-9a-f]{16}"
    result.stdout.re_match_lines([title, line])


def test_the_plugin_loads_nothing_until_a_fixture_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            assert "_komopay_pytest" in sys.modules and "komopay" not in sys.modules
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


# The program.


def start_program(*arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "RUST_LOG"}
    return subprocess.Popen(
        [sys.executable, "-m", "komopay", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name != "posix", reason="stops the program with signals")
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_the_program_serves_logs_and_stops_gracefully_on_ctrl_c(stop: str) -> None:
    process = start_program("sandbox", "--port", "0", "--merchant-code", "ME", "--secret", "s3cr3t-s3cr3t")
    assert process.stdout is not None and process.stderr is not None
    first = process.stdout.readline()
    assert first.startswith("komopay-sandbox listens on http://127.0.0.1:"), first
    with Client(merchant_code="ME", secret="s3cr3t-s3cr3t", base_url=first.split()[-1]) as client:
        client.create_payout("TST-1", documented_request())
    process.send_signal(getattr(signal, stop))
    # Not `communicate`, which would lose the lines that came along with the first.
    output, errors = process.stdout.read(), process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert (process.wait(timeout=30), errors) == (0, "")
    for line in ("merchant code  ME\n", "as given with --secret\n", "POST /payouts/TST-1 -> 201\n", "stopping\n"):
        assert line in output, output
    assert "s3cr3t-s3cr3t" not in output and "11223344" not in output


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "Usage: python -m komopay COMMAND"),
        (["other"], 2, "Usage: python -m komopay COMMAND"),
        (["--help"], 0, "Usage: python -m komopay COMMAND"),
        (["sandbox", "--help"], 0, "Usage: python -m komopay sandbox [OPTIONS]"),
        (["sandbox", "--port", "many"], 2, "invalid value 'many' for '--port <PORT>'"),
    ],
)
def test_the_program_tells_its_usage(arguments: list[str], code: int, text: str) -> None:
    process = start_program(*arguments)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert text in (errors if code else output)


def test_the_program_says_that_a_port_is_in_use(sandbox: Sandbox) -> None:
    process = start_program("sandbox", "--port", str(address(sandbox)[1]))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("komopay-sandbox: cannot listen on 127.0.0.1:"), errors


def address(sandbox: Sandbox) -> tuple[str, int]:
    host, _, port = sandbox.base_url.removeprefix("http://").rpartition(":")
    return host, int(port)
