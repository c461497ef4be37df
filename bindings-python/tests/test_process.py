"""How a client lives in a Python process: Ctrl-C, logging, and the end of the interpreter."""

from __future__ import annotations

import _thread
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import documented_request, new_client
from gateway import MERCHANT_CODE, SECRET, Recorder, Sandbox, Seen

from komopay import Client, ClosedError, KomopayError, OutcomeUnknownError

PRELUDE = """
import asyncio, logging, sys
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
from komopay import AsyncClient, BankAccount, BankTransfer, Client, Money, PayoutRequest
url, code, secret = sys.argv[1:]
request = PayoutRequest(money=Money("10000", "IDR"), method=BankTransfer(
    operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")))
"""


def start(program: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, url, MERCHANT_CODE, SECRET],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


PHASES = {
    "while its token is issued": ("issue_token", [("issue_token", "delay", {"ms": 60_000})]),
    "while it is on the wire": ("create_payout", [("create_payout", "delay", {"ms": 60_000})]),
    "while it is looked for": (
        "get_payout",
        [("create_payout", "execute_then_close", {}), ("get_payout", "delay", {"ms": 60_000})],
    ),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_ctrl_c_answers_at_once_and_the_log_names_the_id_and_the_way_on(
    phase: str, kind: str, sandbox: Sandbox
) -> None:
    reached, faults = PHASES[phase]
    for operation, effect, details in faults:
        sandbox.fault(operation, effect, **details)
    program = {
        "sync": """
with Client(merchant_code=code, secret=secret, base_url=url, total_timeout=2, attempt_timeout=1) as client:
    try:
        client.create_payout("TST-CTRL-C", request)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        raise
""",
        "async": """
async def pay():
    times = {"total_timeout": 2, "attempt_timeout": 1}
    async with AsyncClient(merchant_code=code, secret=secret, base_url=url, **times) as client:
        try:
            await client.create_payout("TST-CTRL-C", request)
        except asyncio.CancelledError:
            print("interrupted", flush=True)
            raise
asyncio.run(pay())
""",
    }[kind]
    process = start(program, sandbox.url)
    sandbox.wait_until_seen(reached)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "interrupted\n"
    _, log = process.communicate(timeout=30)
    # What the runtime's thread says of it may come before or after.
    warnings = [line for line in log.splitlines() if line.startswith("WARNING komopay ")]
    assert any("TST-CTRL-C" in line and "resume" in line for line in warnings), log
    assert "KeyboardInterrupt" in log and "Exception ignored" not in log, log
    assert process.returncode in (-signal.SIGINT, 130)
    assert sandbox.executed_by_now("TST-CTRL-C") == (1 if reached == "get_payout" else 0), "it waited for the answer"


def test_a_second_ctrl_c_ends_the_time_that_a_create_on_the_wire_is_given(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", ms=60_000)
    source = "Client(merchant_code=code, secret=secret, base_url=url).create_payout('TST-1', request)"
    process = start(source, sandbox.url)
    sandbox.wait_until_seen("create_payout")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=30)
    assert time.monotonic() - started < 2.5
    assert any("TST-1" in line and "resume=True" in line for line in log.splitlines()), log
    assert "Exception ignored" not in log, log


def test_the_end_of_the_interpreter_gives_a_create_on_the_wire_a_short_time(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", {"nth": 1}, ms=700)
    program = """
import threading
logging.getLogger("komopay").setLevel(logging.INFO)
client = Client(merchant_code=code, secret=secret, base_url=url)
threading.Thread(target=client.create_payout, args=("TST-END", request), daemon=True).start()
sys.stdin.readline()
"""
    process = start(program, sandbox.url)
    sandbox.wait_until_seen("create_payout")
    _, log = process.communicate("\n", timeout=30)
    assert process.returncode == 0, log
    assert sandbox.executed_by_now("TST-END") == 1, "the process did not wait"
    assert "WARNING" not in log, log


@pytest.mark.parametrize("kind", ["thread", "loop"])
def test_the_end_of_the_interpreter_names_what_is_still_on_the_wire(kind: str, sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", ms=60_000)
    program = {
        "thread": """
import threading
client = Client(merchant_code=code, secret=secret, base_url=url)
for number in range(8):
    threading.Thread(target=client.create_payout, args=(f"TST-END-{number}", request), daemon=True).start()
sys.stdin.readline()
""",
        "loop": """
import threading
async def pay():
    client = AsyncClient(merchant_code=code, secret=secret, base_url=url)
    await asyncio.gather(*(client.create_payout(f"TST-END-{number}", request) for number in range(8)))
threading.Thread(target=asyncio.run, args=(pay(),), daemon=True).start()
sys.stdin.readline()
""",
    }[kind]
    process = start(program, sandbox.url)
    sandbox.wait_until_seen("create_payout", 8)
    started = time.monotonic()
    _, log = process.communicate("\n", timeout=30)
    assert time.monotonic() - started < 15
    assert process.returncode == 0, log
    for number in range(8):
        assert any(f"TST-END-{number}" in line and "resume=True" in line for line in log.splitlines()), log
    assert "Traceback" not in log and "Fatal" not in log and "panicked" not in log, log


@pytest.mark.parametrize("method", ["os.fork", "fork", "spawn", "forkserver"])
def test_a_child_process_pays_on_its_own_and_its_parents_create_stays_its_parents(
    method: str, sandbox: Sandbox
) -> None:
    sandbox.fault("create_payout", "delay", {"nth": 1}, ms=1500)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("forking.py"), method],
        env={**os.environ, **sandbox.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    sandbox.wait_until_seen("create_payout")
    output, log = process.communicate("\n", timeout=60)
    assert process.returncode == 0, log
    assert output.splitlines() == ["child SUCCESS", "grandchild SUCCESS", "parent TST-PARENT"], (output, log)
    assert [sandbox.executed(f"TST-{who}") for who in ("PARENT", "CHILD", "GRANDCHILD")] == [1, 1, 1]
    assert "TST-PARENT" not in log, "the child left the parent's create"


def test_the_end_of_a_forked_worker_names_what_is_still_on_the_wire(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", ms=60_000)
    program = """
import multiprocessing, threading
client = Client(merchant_code=code, secret=secret, base_url=url)
def work():
    threading.Thread(target=client.create_payout, args=("TST-WORKER", request), daemon=True).start()
    begun.wait()
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    begun = context.Event()
    worker = context.Process(target=work)
    worker.start()
    sys.stdin.readline()
    begun.set()
    worker.join()
    sys.exit(worker.exitcode)
"""
    process = start(program, sandbox.url)
    sandbox.wait_until_seen("create_payout")
    _, log = process.communicate("\n", timeout=30)
    assert process.returncode == 0, log
    assert any("TST-WORKER" in line and "resume=True" in line for line in log.splitlines()), log


def test_forks_and_the_log_never_wait_for_each_other(sandbox: Sandbox) -> None:
    program = """
import logging, os, threading
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
sys.setswitchinterval(1e-6)
client = Client(merchant_code=code, secret=secret, base_url=url)
done = threading.Event()
def read():
    while not done.is_set():
        client.currencies()
readers = [threading.Thread(target=read) for _ in range(3)]
for reader in readers:
    reader.start()
for _ in range(100):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
done.set()
for reader in readers:
    reader.join()
print("done")
"""
    process = start(program, sandbox.url)
    output, log = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "done\n"), log


def test_a_fork_inside_a_create_leaves_it_to_the_parent(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", ms=1500)
    program = """
import os, signal
from komopay import OutcomeUnknownError
client = Client(merchant_code=code, secret=secret, base_url=url)
parent = os.getpid()
signal.signal(signal.SIGUSR1, lambda *_: os.fork())
try:
    print("parent", client.create_payout("TST-1", request).payout_id, flush=True)
    os.wait()
except OutcomeUnknownError as error:
    assert os.getpid() != parent
    print("child", error.payout_id, client.currencies()[:0], flush=True)
"""
    process = start(program, sandbox.url)
    sandbox.wait_until_seen("create_payout")
    process.send_signal(signal.SIGUSR1)
    output, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert output.splitlines() == ["child TST-1 []", "parent TST-1"], log
    assert sandbox.executed("TST-1") == 1


def test_sixty_four_threads_pay_six_hundred_and_forty_payouts_once_each(sandbox: Sandbox) -> None:
    ids = [f"TST-{number}" for number in range(640)]
    with new_client(sandbox) as client, ThreadPoolExecutor(64) as threads:
        made = threads.map(lambda id: client.create_payout(id, documented_request()).payout_id, ids)
        assert list(made) == ids
    ledger = sandbox.control("GET", "ledger")
    assert sum("executed" in entry.values() for entry in ledger) == 640


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
    process = start(program, sandbox.url)
    sandbox.wait_until_seen("get_payout", 8)
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


def test_a_logging_handler_that_hangs_holds_up_its_own_caller_only(sandbox: Sandbox) -> None:
    entered, release = threading.Event(), threading.Event()

    class Hanging(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if threading.current_thread().name == "hanging":
                entered.set()
                release.wait()

    def pay() -> None:
        client.create_payout("TST-1", documented_request())

    logger, handler = logging.getLogger("komopay"), Hanging()
    # The lock of a handler is for all threads.
    handler.createLock = lambda: None  # type: ignore[method-assign]
    handler.lock = None
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        client = new_client(sandbox)
        hanging = threading.Thread(target=pay, name="hanging")
        hanging.start()
        assert entered.wait(30)
        client.create_payout("TST-2", documented_request())
        assert client.wait_for_payout("TST-1", timeout=60).is_final, "what is on its way goes on"
        release.set()
        hanging.join()
        client.close()
    finally:
        release.set()
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
