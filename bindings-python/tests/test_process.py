"""How a client lives in a Python process: Ctrl-C, logging, and the end of the interpreter."""

from __future__ import annotations

import _thread
import logging
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from conftest import documented_request, new_client
from gateway import MERCHANT_CODE, SECRET, Recorder, Sandbox, Seen

from komopay import Client, ClosedError, KomopayError, OutcomeUnknownError

PRELUDE = """
import logging, sys
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
from komopay import BankAccount, BankTransfer, Client, Money, PayoutRequest
url, code, secret = sys.argv[1:]
request = PayoutRequest(money=Money("10000", "IDR"), method=BankTransfer(
    operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")))
"""


def start(program: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, url, MERCHANT_CODE, SECRET],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_answers_at_once_and_the_log_names_the_id_and_the_way_on(sandbox: Sandbox) -> None:
    # Seconds to answer, so that the process has ended while the create is still held back.
    sandbox.fault("create_payout", "delay", ms=5000)
    program = """
with Client(merchant_code=code, secret=secret, base_url=url) as client:
    try:
        client.create_payout("TST-CTRL-C", request)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        raise
"""
    process = start(program, sandbox.url)
    sandbox.wait_until_seen("create_payout")
    process.send_signal(signal.SIGINT)
    output, log = process.communicate(timeout=30)
    assert sandbox.executed_by_now("TST-CTRL-C") == 0, "the process waited for the answer"
    assert output == "interrupted\n"
    assert log.startswith("WARNING komopay "), log
    assert "TST-CTRL-C" in log.splitlines()[0] and "resume" in log.splitlines()[0]
    assert log.endswith("KeyboardInterrupt\n")
    assert process.returncode == -signal.SIGINT or process.returncode == 130
    assert sandbox.executed("TST-CTRL-C") <= 1


def test_ctrl_c_ends_a_wait() -> None:
    release = threading.Event()

    def interrupt(_: Seen) -> None:
        _thread.interrupt_main()
        release.wait()

    with Recorder({("GET", "/payouts/TST-1"): (500, b"")}, before_answer=interrupt) as recorder:
        client = Client(token="t", base_url=recorder.url)
        with pytest.raises(KeyboardInterrupt):
            client.wait_for_payout("TST-1", timeout=60)
        release.set()
    assert len(recorder.seen) == 1


def test_ctrl_c_ends_a_close_that_waits_for_a_create_on_the_wire() -> None:
    seen, release = threading.Event(), threading.Event()

    def hold(_: Seen) -> None:
        seen.set()
        release.wait()

    def pay() -> None:
        try:
            client.create_payout("TST-1", documented_request())
        except KomopayError as error:
            ends.append(error)

    def interrupt_the_close() -> None:
        # Closing has begun when a new call is refused.
        while True:
            try:
                client.get_payout("TST-1")
            except ClosedError:
                break
            except KomopayError:
                continue
        _thread.interrupt_main()

    ends: list[KomopayError] = []
    paths = {("POST", "/payouts/TST-1"): (500, b""), ("GET", "/payouts/TST-1"): (500, b"")}
    with Recorder(paths, before_answer=lambda request: hold(request) if request.method == "POST" else None) as recorder:
        client = Client(token="t", base_url=recorder.url, total_timeout=1, attempt_timeout=0.5, read_attempts=1)
        payer = threading.Thread(target=pay)
        payer.start()
        assert seen.wait(30)
        interrupter = threading.Thread(target=interrupt_the_close)
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            client.close()
        assert not ends
        release.set()
        payer.join()
        interrupter.join()
    assert isinstance(ends[0], OutcomeUnknownError), "a create on the wire is settled or unknown, never closed"


def test_a_daemon_thread_inside_a_call_does_not_crash_the_end_of_the_interpreter(sandbox: Sandbox) -> None:
    sandbox.fault("get_payout", "delay", ms=60_000)
    program = """
import threading
logging.getLogger().setLevel(logging.DEBUG)
client = Client(merchant_code=code, secret=secret, base_url=url)
for _ in range(8):
    threading.Thread(target=lambda: client.wait_for_payout("TST-1", timeout=60), daemon=True).start()
sys.stdin.readline()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, sandbox.url, MERCHANT_CODE, SECRET],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    sandbox.wait_until_seen("get_payout")
    _, log = process.communicate("\n", timeout=30)
    assert process.returncode == 0, log
    assert "Fatal" not in log and "panicked" not in log, log


class Records(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def text(self) -> str:
        return "\n".join(record.getMessage() for record in self.records)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Any:
    handler, root = Records(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_log_goes_to_komopay_and_tells_each_request(sandbox: Sandbox, records: Records) -> None:
    with new_client(sandbox) as client:
        client.create_payout("TST-LOG", documented_request())
    assert {record.name for record in records.records} == {"komopay"}
    requests = [record for record in records.records if "POST /payouts/TST-LOG" in record.getMessage()]
    assert [record.levelno for record in requests] == [logging.DEBUG]
    assert "status=201" in requests[0].getMessage()


@pytest.mark.parametrize("operation", ["issue_token", "create_payout", "get_payout"])
@pytest.mark.parametrize("status", [400, 403, 406, 500])
def test_nothing_that_must_not_be_shown_is_in_logs_or_errors(
    operation: str, status: int, sandbox: Sandbox, records: Records
) -> None:
    sandbox.fault(operation, "echo_account", status=status)
    shown = ""
    with new_client(sandbox, total_timeout=0.4, attempt_timeout=0.1, settle_window=0.05, backoff_cap=0.25) as client:
        try:
            client.create_payout("TST-1", documented_request(number="7711223344"))
            client.get_payout("TST-1")
        except KomopayError as error:
            shown = "\n".join([str(error), repr(error), repr(vars(error))])
    assert shown
    for text in (shown, records.text()):
        for canary in (SECRET, "7711223344", "Test account", "customer@test.com", "Bearer", "eyJ"):
            assert canary not in text


def test_a_level_that_nobody_wants_is_not_delivered(sandbox: Sandbox, records: Records) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    with new_client(sandbox) as client:
        client.create_payout("TST-1", documented_request())
    assert not records.records


def test_a_logging_handler_that_hangs_holds_up_no_payout(sandbox: Sandbox) -> None:
    entered, release = threading.Event(), threading.Event()

    class Hanging(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            entered.set()
            release.wait()

    logger, handler = logging.getLogger("komopay"), Hanging()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        client = new_client(sandbox)
        client.create_payout("TST-1", documented_request())
        assert entered.wait(30)
        assert client.wait_for_payout("TST-1", timeout=60).is_final
        release.set()
        client.close()
    finally:
        release.set()
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
