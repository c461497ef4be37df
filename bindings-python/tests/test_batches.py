"""Batches: planned from files and from what a program makes, driven, interrupted, killed and gone on with."""

from __future__ import annotations

import asyncio
import contextvars
import io
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import documented_request, new_async_client, new_client
from gateway import Sandbox

from komopay import (
    BankTransfer,
    Client,
    ClosedError,
    ConfigurationError,
    InvalidRequestError,
    Money,
    PayoutRequest,
)
from komopay.batches import (
    AsyncBatches,
    Batches,
    BatchStatus,
    Planned,
    ReportItem,
    RowProblem,
    Stop,
    csv,
    csv_template,
    generate_journal_key,
    json_lines,
)

KEY = generate_journal_key()
ID = "payroll-2026-11"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One whose payouts are final at once."""
    with Sandbox(processing_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def journal(folder: Path) -> Path:
    return folder / "payroll.journal"


@pytest.fixture
def batches(client: Client, journal: Path) -> Iterator[Batches]:
    with Batches(client, journal=journal, journal_key=KEY) as batches:
        yield batches


def dicts(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"E-{row}",
            "payout_id": f"P-{row}",
            "amount": str(10_000 + row),
            "currency": "IDR",
            "operator_code": "BNK_000",
            "account_name": "Test account",
            "account_number": str(11_223_344 + row),
        }
        for row in range(count)
    ]


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(line) + "\n" for line in [list(rows[0]), *(row.values() for row in rows)])


def executed(sandbox: Sandbox) -> Counter[str]:
    """How often each id was executed, once everything pending has ended."""
    sandbox.control("GET", "idle")
    ledger = sandbox.control("GET", "ledger")
    return Counter(entry["payout_id"] for entry in ledger if entry["kind"] == "executed")


def start(batches: Batches, planned: Planned) -> None:
    assert planned.digest is not None, planned
    batches.approve(ID, by="approver", digest=planned.digest, why="all is as agreed")
    batches.start(ID, by="operator")


def started(batches: Batches, count: int, **settings: Any) -> None:
    start(batches, batches.plan(ID, dicts(count), maker="maker", **settings))


def driven(batches: Batches) -> BatchStatus:
    """Until nothing is left to send: what a worker gave back waits for a moment."""
    status = batches.drive(ID)
    while status.count("planned"):
        assert status.due_in is not None, status
        threading.Event().wait(status.due_in.total_seconds())
        status = batches.drive(ID)
    return status


def seen_to_the_end(sandbox: Sandbox, client: Client, batches: Batches, count: int) -> BatchStatus:
    """As callbacks would, without waiting for the next look."""
    for waited in client.wait_for_payouts([f"P-{row}" for row in range(count)], timeout=60):
        assert batches.observe(waited.result())
    return batches.status(ID)


def test_a_file_is_paid_row_by_row_exactly_once(
    sandbox: Sandbox, client: Client, batches: Batches, folder: Path
) -> None:
    (folder / "payroll.csv").write_text(as_csv(dicts(100)))
    planned = batches.plan(ID, csv(folder / "payroll.csv"), maker="maker", count=100, sums={"IDR": 1_004_950})
    assert (planned.state, planned.inserted, planned.plan.rows) == ("validated", 100, 100)
    assert planned.plan.currencies[0].sum == Money(1_004_950, "IDR")
    assert (planned.plan.groups[0].least, planned.plan.groups[0].least_row) == (Money(10_000, "IDR"), 2)
    start(batches, planned)
    status = batches.drive(ID)
    assert (status.state, status.count("accepted"), status.items) == ("following", 100, 100)
    status = seen_to_the_end(sandbox, client, batches, 100)
    assert status.count("succeeded") == 100
    assert executed(sandbox) == {f"P-{row}": 1 for row in range(100)}
    events = batches.events(ID)
    assert [event.what for event in events][:3] == ["planned", "approved", "running"], events
    assert (events[1].who, events[1].why) == ("approver", "all is as agreed")
    again = batches.plan(ID, csv(folder / "payroll.csv"), maker="maker")
    assert (again.inserted, again.changed, again.plan.bad_rows) == (0, 0, 0)


def test_follow_reads_what_is_due(sandbox: Sandbox, batches: Batches) -> None:
    started(batches, 3)
    status = batches.drive(ID)
    while status.due_in is not None:
        threading.Event().wait(status.due_in.total_seconds())
        status = batches.follow(ID, 5)
    assert (status.state, status.count("succeeded")) == ("closed", 3)


def test_the_same_rows_are_the_same_batch_wherever_they_come_from(batches: Batches, folder: Path) -> None:
    rows = dicts(30)
    text = as_csv(rows, ";")
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def request(row: dict[str, Any]) -> PayoutRequest:
        made = documented_request(row["account_number"])
        method = made.method
        assert isinstance(method, BankTransfer)
        return PayoutRequest(money=Money(row["amount"], "IDR"), method=method.replace(email_address=None))

    named = [{"Invoice": row["id"], **{name: cell for name, cell in row.items() if name != "id"}} for row in rows]
    sources: list[Any] = [
        rows,
        iter(rows),
        csv(io.StringIO(text), delimiter=";"),
        csv(io.BytesIO(text.encode()), delimiter=";"),
        csv(io.StringIO(as_csv(named)), columns={"id": "Invoice"}),
        json_lines(folder / "lines.jsonl"),
        json_lines(io.BytesIO((folder / "lines.jsonl").read_bytes())),
        [(row["id"], row["payout_id"], request(row)) for row in rows],
        ([row["id"], row["payout_id"], request(row)] for row in rows),
        reversed(rows),
        ({**row, "amount": int(row["amount"])} for row in rows),
        ({**row, "amount": Decimal(row["amount"]).normalize()} for row in rows),
        ({**row, "remark": float("nan"), "bank_code": None} for row in rows),
    ]
    digests = {batches.plan(ID, source, maker="maker").digest for source in sources}
    assert len(digests) == 1 and None not in digests
    derived = [batches.plan("other", pairs, maker="maker") for pairs in [[("E-1", request(rows[0]))]] * 2]
    assert [planned.inserted for planned in derived] == [1, 0]


def test_every_bad_row_is_told_before_anything_is_sent(sandbox: Sandbox, batches: Batches) -> None:
    good, short, comma, same, unknown = dicts(5)
    del short["account_number"]
    comma["amount"] = "10,000"
    same["id"] = good["id"]
    unknown["shoe_size"] = "38"
    rows = [good, short, comma, same, unknown]
    planned = batches.plan(ID, rows, maker="maker")
    assert (planned.state, planned.digest, planned.plan.items, planned.plan.bad_rows) == ("draft", None, 1, 4)
    problems = {(problem.row, problem.field) for problem in planned.plan.row_problems}
    assert problems == {(2, "account_number"), (3, "amount"), (4, "id"), (5, "shoe_size")}
    with pytest.raises(InvalidRequestError) as caught:
        batches.drive(ID)
    assert caught.value.field == "batch_id"
    assert sandbox.control("GET", "calls")["create_payout"] == 0
    start(batches, batches.plan(ID, rows, maker="maker", valid_only=True))
    assert batches.drive(ID).count("accepted") == 1
    wrong = batches.plan("other", [good], maker="maker", count=2, sums=[Money(1, "USD")])
    assert {problem.kind for problem in wrong.plan.problems} == {"count", "sum"}


def test_the_items_are_told_one_by_one_with_what_came_of_each(
    sandbox: Sandbox, client: Client, batches: Batches
) -> None:
    rows = dicts(3)
    # Refused by the platform's simulator.
    rows.append({**rows[0], "id": "E-X", "payout_id": "P-X", "account_number": "9000000031"})
    start(batches, batches.plan(ID, rows, maker="maker"))
    items = list(batches.items(ID))
    assert [(item.key, item.payout_id, item.state, item.row) for item in items] == [
        (f"E-{row}", f"P-{row}", "planned", number) for number, row in enumerate([0, 1, 2, "X"], 1)
    ]
    assert [item.money for item in items] == [Money(amount, "IDR") for amount in (10_000, 10_001, 10_002, 10_000)]
    ways = {(item.method_code, item.operator_code, item.attempts) for item in items}
    assert ways == {("BANK_TRANSFER", "BNK_000", 0)}
    driven(batches)
    for payout_id in ("P-0", "P-1", "P-2", "P-X"):
        assert batches.observe(client.wait_for_payout(payout_id, timeout=60))
    assert batches.retry(ID, "E-X", by="operator", why="call 0812345678901") == "E-X~2"
    done = list(batches.items(ID, state="succeeded"))
    assert [item.key for item in done] == ["E-0", "E-1", "E-2"]
    assert done[0].platform_status == "SUCCESS" and done[0].attempts >= 1 and done[0].updated_at is not None
    not_done, again = (item for item in batches.items(ID) if item.key.startswith("E-X"))
    assert (not_done.state, not_done.replaced_by, not_done.replaces) == ("refused", "E-X~2", None)
    assert (again.state, again.replaced_by, again.replaces) == ("planned", None, "E-X")
    assert (not_done.account, not_done.failure is not None) == ("****0031", True)
    assert ReportItem.from_dict(not_done.to_dict()) == pickle.loads(pickle.dumps(not_done)) == not_done
    shown = repr([not_done, again, not_done.to_dict()])
    assert "9000000031" not in shown and "Test account" not in shown and "0812345678901" not in shown


def test_items_are_read_some_at_a_time_and_each_is_told_once(batches: Batches) -> None:
    # More than are read at a time.
    batches.plan(ID, dicts(2_100), maker="maker")
    keys = [item.key for item in batches.items(ID)]
    assert keys == sorted(set(keys)) and len(keys) == 2_100
    assert list(batches.items(ID, state="needs_person")) == []
    wrong: list[tuple[Any, str, str]] = [
        (lambda: batches.items(ID, state="paid"), "state", "must be one of planned, in_doubt, accepted, "),
        (lambda: batches.items(ID, state=7), "state", "must be a str"),  # type: ignore[arg-type]
        (lambda: list(batches.items("nothing")), "batch_id", "no such batch"),
    ]
    for call, field, says in wrong:
        with pytest.raises(InvalidRequestError, match=says) as caught:
            call()
        assert caught.value.field == field


def test_the_same_items_for_asyncio(sandbox: Sandbox, journal: Path) -> None:
    async def main() -> tuple[list[str], list[str]]:
        async with new_async_client(sandbox) as client:
            async with AsyncBatches(client, journal=journal, journal_key=KEY) as batches:
                await batches.plan(ID, dicts(2_100), maker="maker")
                with pytest.raises(InvalidRequestError):
                    async for _ in batches.items(ID, state="paid"):
                        raise AssertionError
                everything = [item.key async for item in batches.items(ID)]
                return everything, [item.key async for item in batches.items(ID, state="succeeded")]

    keys, none = asyncio.run(main())
    assert keys == sorted(set(keys)) and len(keys) == 2_100 and none == []


def test_values_of_data_frames_are_refused_by_their_fields(batches: Batches) -> None:
    class NAType:
        """As that of pandas."""

    row = dicts(1)[0]
    changes: list[tuple[dict[str, Any], str | None]] = [
        ({"amount": 10_000.5}, "amount"),
        ({"amount": float("inf")}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": float("nan")}, "amount"),
        ({"account_number": 11_223_344}, "account_number"),
        ({"account_number": NAType()}, "account_number"),
        ({"account_name": b"Siti"}, "account_name"),
        ({"id": Decimal("1")}, None),
        ({"account_name": "half \ud800"}, "account_name"),
    ]
    for changed, field in changes:
        planned = batches.plan(ID, [{**row, **changed}], maker="maker")
        assert [problem.field for problem in planned.plan.row_problems] == ([field] if field else []), changed
    bad_id = batches.plan(ID, [("E-1", "no id", documented_request()), ("E-2", documented_request())], maker="maker")
    assert [(problem.row, problem.field) for problem in bad_id.plan.row_problems] == [(1, "payout_id")]


def test_rows_are_read_in_the_callers_thread_and_context(batches: Batches) -> None:
    who = contextvars.ContextVar("who", default="nobody")
    who.set("caller")
    seen: set[tuple[int, str]] = set()

    def rows() -> Iterator[dict[str, Any]]:
        for row in dicts(2_345):
            seen.add((threading.get_ident(), who.get()))
            yield row

    assert batches.plan(ID, rows(), maker="maker").inserted == 2_345
    assert seen == {(threading.get_ident(), "caller")}


def test_what_an_iterable_raises_is_raised_as_it_is_and_nothing_of_it_is_paid(batches: Batches) -> None:
    before = batches.plan(ID, dicts(10), maker="maker")
    error = LookupError("the database went away")

    def rows(count: int) -> Iterator[dict[str, Any]]:
        yield from dicts(count)
        raise error

    class Failing(io.StringIO):
        def read(self, size: int | None = -1, /) -> str:
            raise error

    sources: list[Any] = [rows(0), rows(3), rows(2_000), csv(Failing()), json_lines(Failing())]
    for source in sources:
        with pytest.raises(LookupError) as caught:
            batches.plan(ID, source, maker="maker")
        assert caught.value is error
    # What was read of them is in the journal, and nobody can pay it.
    assert before.digest is not None
    with pytest.raises(InvalidRequestError):
        batches.approve(ID, by="approver", digest=before.digest)
    again = batches.plan(ID, dicts(10), maker="maker")
    assert (again.inserted, again.changed, again.digest) == (0, 0, before.digest)
    start(batches, again)
    assert batches.drive(ID).items == 10


def test_what_is_no_row_is_a_fault_of_the_program(batches: Batches) -> None:
    request = documented_request()
    faults: list[Any] = [
        "E-1",
        7,
        [7],
        [("E-1",)],
        [("E-1", "P-1", request, 4)],
        [("E-1", request), {"id": "E-2"}],
        [{7: "E-1"}],
    ]
    for rows in faults:
        with pytest.raises(InvalidRequestError) as caught:
            batches.plan(ID, rows, maker="maker")
        assert caught.value.field == "rows", rows
    pairs: list[Any] = [(7, request), ("E-1", 7, request), ("E-1", "request")]
    for pair in pairs:
        with pytest.raises(InvalidRequestError, match="rows, row 2"):
            batches.plan(ID, [("E-0", request), pair], maker="maker")

    async def rows_of_a_loop() -> AsyncIterator[dict[str, Any]]:
        yield {}

    with pytest.raises(InvalidRequestError, match="AsyncBatches"):
        batches.plan(ID, rows_of_a_loop(), maker="maker")  # type: ignore[arg-type]


class Interrupter(logging.Handler):
    """Tells when a drive has heard of the interrupt."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "interrupted" in record.getMessage():
            self.heard.set()


@pytest.fixture
def interrupter() -> Iterator[Interrupter]:
    handler = Interrupter()
    logging.getLogger("komopay").addHandler(handler)
    yield handler
    logging.getLogger("komopay").removeHandler(handler)


def test_ctrl_c_stops_after_what_is_in_flight(
    sandbox: Sandbox, batches: Batches, interrupter: Interrupter
) -> None:
    started(batches, 40, concurrency=2)
    sandbox.fault("create_payout", "hold")

    def interrupt() -> None:
        sandbox.wait_until_seen("create_payout", 2)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupter.heard.wait(30)
        sandbox.release()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        batches.drive(ID)
    thread.join()
    status = batches.status(ID)
    assert (status.count("accepted"), status.count("planned"), status.count("in_doubt")) == (2, 38, 0)
    assert sandbox.control("GET", "calls")["create_payout"] == 2
    assert driven(batches).count("accepted") == 40
    assert executed(sandbox) == {f"P-{row}": 1 for row in range(40)}


def test_a_second_ctrl_c_leaves_at_once(
    sandbox: Sandbox, batches: Batches, interrupter: Interrupter
) -> None:
    started(batches, 40, concurrency=2)
    sandbox.fault("create_payout", "hold")

    def interrupt() -> None:
        sandbox.wait_until_seen("create_payout", 2)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupter.heard.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        batches.drive(ID)
    thread.join()
    assert sandbox.control("GET", "calls")["create_payout"] == 2
    sandbox.release()


def test_another_thread_stops_a_drive(sandbox: Sandbox, batches: Batches) -> None:
    started(batches, 40, concurrency=2)
    sandbox.fault("create_payout", "hold")
    stop, ended = Stop(), list[BatchStatus]()
    thread = threading.Thread(target=lambda: ended.append(batches.drive(ID, stop=stop)))
    thread.start()
    sandbox.wait_until_seen("create_payout", 2)
    # The GIL is nobody's while it drives, and so is the journal.
    assert batches.status(ID).state == "running"
    stop.stop()
    sandbox.release()
    thread.join()
    assert stop.is_stopped and ended[0].count("accepted") == 2


def test_a_handler_of_the_log_may_ask_the_journal_in_the_middle_of_a_drive(batches: Batches) -> None:
    asked: list[str] = []

    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            asked.append(batches.status(ID).state)

    started(batches, 200)
    logger, handler = logging.getLogger("komopay"), Asking()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        assert batches.drive(ID).count("accepted") == 200
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert "running" in asked


def test_who_pays_single_payouts_loads_nothing_of_batches() -> None:
    program = "import sys, komopay; print(*[name for name in sys.modules if name.startswith('komopay.batches')])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.stdout == "\n", run.stdout + run.stderr


DRIVES = f"""
import sys, time
from komopay import Client
from komopay.batches import Batches
with Client.from_env() as client, Batches(client, journal=sys.argv[1]) as batches:
    status = batches.drive({ID!r})
    while status.count("planned") + status.count("in_doubt"):
        time.sleep(status.due_in.total_seconds())
        status = batches.drive({ID!r})
    print(status.to_json())
"""


@pytest.mark.parametrize("step", ["Registered:1", "BeforeSend:3", "AfterSend:7", "BeforeEnd:2"])
def test_a_process_that_is_killed_pays_nobody_twice_and_the_next_goes_on(
    step: str, sandbox: Sandbox, client: Client, journal: Path
) -> None:
    with Batches(client, journal=journal, journal_key=KEY) as batches:
        started(batches, 40, concurrency=4)

    def drive(**environment: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **sandbox.environment, "KOMOPAY_JOURNAL_KEY": KEY, **environment}
        command = [sys.executable, "-c", DRIVES, str(journal)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    killed = drive(KOMOPAY_STEP=f"SIGKILL:{step}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # When every token has ended that may be about.
    sandbox.control("POST", "clock", {"advance_ms": 600_000})
    gone_on = drive(KOMOPAY_JOURNAL_CLOCK="600")
    assert gone_on.returncode == 0, gone_on.stderr
    status = BatchStatus.from_json(gone_on.stdout)
    assert status.count("accepted") + status.count("succeeded") == 40, status
    assert executed(sandbox) == {f"P-{row}": 1 for row in range(40)}


def test_an_sqlite_journal_is_of_one_process(client: Client, batches: Batches, journal: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Batches(client, journal=journal, journal_key=KEY)
    assert caught.value.field == "journal"
    started(batches, 1)
    child = os.fork()
    if child == 0:
        try:
            batches.status(ID)
        except ConfigurationError as error:
            os._exit(0 if error.field == "journal" and "fork" in str(error) else 2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert batches.drive(ID).count("accepted") == 1
    batches.close()
    with pytest.raises(ClosedError):
        batches.status(ID)
    with Batches(client, journal=str(journal), journal_key=f"{generate_journal_key()} {KEY}") as again:
        assert again.status(ID).count("accepted") == 1


def test_people_decide(batches: Batches, client: Client) -> None:
    planned = batches.plan(ID, dicts(40), maker="maker")
    with pytest.raises(InvalidRequestError) as caught:
        batches.approve(ID, by="maker", digest=planned.digest or "")
    assert caught.value.field == "approver"
    with pytest.raises(InvalidRequestError) as caught:
        batches.approve(ID, by="approver", digest="kb1:another")
    assert caught.value.field == "digest"
    start(batches, planned)
    assert batches.pause(ID, by="operator", why="a question") is True
    assert batches.pause(ID, by="operator", why="a question") is False
    assert batches.status(ID).why == "a question"
    assert batches.drive(ID).count("planned") == 40
    batches.start(ID, by="operator", why="answered")
    assert batches.cancel(ID, by="operator", why="the wrong month") == 40
    assert batches.status(ID).count("cancelled") == 40
    with pytest.raises(InvalidRequestError) as caught:
        batches.retry(ID, "E-1", by="operator", why="this one is right")
    assert caught.value.field == "batch_id"
    for item in ["E-1", "E-none"]:
        with pytest.raises(InvalidRequestError) as caught:
            batches.settle(ID, item, made=True, by="operator", why="looked")
        assert caught.value.field == "item"
    assert batches.restored(by="operator", why="from last night") >= 0
    assert batches.erase_payees(10**9) == 0
    client.create_payout("P-OTHER", documented_request())
    assert batches.observe(client.wait_for_payout("P-OTHER", timeout=60)) is False


def test_what_cannot_be_used_is_named(client: Client, batches: Batches, folder: Path) -> None:
    unusable: list[tuple[dict[str, Any], str]] = [
        ({"journal": "https://example.com", "journal_key": KEY}, "journal"),
        ({"journal": ":memory:", "journal_key": KEY}, "journal"),
        ({"journal": 7, "journal_key": KEY}, "journal"),
        ({"journal": folder / "other", "journal_key": "short"}, "journal_key"),
        ({"journal": folder / "other"}, "journal_key"),
    ]
    for settings, field in unusable:
        with pytest.raises(ConfigurationError) as caught:
            Batches(client, **settings)
        assert caught.value.field == field
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"concurrency": 0}, "concurrency"),
        ({"tokens": "all"}, "tokens"),
        ({"max_refused_share": 2}, "max_refused_share"),
        ({"maker": ""}, "maker"),
        ({"count": -1}, "count"),
        ({"sums": {"IDR": 1.5}}, "sums"),
        ({"batch_id": "not an id"}, "batch_id"),
    ]
    for settings, field in wrong:
        with pytest.raises((InvalidRequestError, ConfigurationError)) as named:
            batches.plan(**{"batch_id": ID, "rows": dicts(1), "maker": "maker", **settings})
        assert named.value.field == field
    with pytest.raises(ConfigurationError) as caught:
        csv("payroll.csv", columns={"name": "Name"})
    assert caught.value.field == "columns"
    with pytest.raises(ConfigurationError) as caught:
        csv("payroll.csv", delimiter="::")
    assert caught.value.field == "delimiter"
    with pytest.raises(ConfigurationError) as caught:
        batches.plan(ID, csv(folder / "none.csv"), maker="maker")
    assert caught.value.field == "input"
    with pytest.raises(InvalidRequestError) as refused:
        batches.status("none")
    assert refused.value.field == "batch_id"
    assert csv_template("CRYPTO_TRANSFER").startswith("id,payout_id,amount")
    with pytest.raises(InvalidRequestError):
        csv_template("CASH")


def test_a_report_is_written_where_it_is_wanted(sandbox: Sandbox, batches: Batches, folder: Path) -> None:
    started(batches, 900)
    batches.drive(ID)
    text, binary = io.StringIO(newline=""), io.BytesIO()
    targets: list[Any] = [folder / "report.csv", str(folder / "report.csv"), text, binary]
    for target in targets:
        totals = batches.report(ID, target)
        assert totals.count("accepted") == 900
        paid = sum((Money(10_000 + row, "IDR") for row in range(900)), Money(0, "IDR"))
        assert totals.currencies[0].input.sum == paid
    written = (folder / "report.csv").read_bytes()
    assert written == binary.getvalue() == text.getvalue().encode() and len(written) > 64 * 1024
    assert written.count(b'"E-') == 900 and b"11223344" not in written and b"Test account" not in written
    batches.report(ID, folder / "report.jsonl", format="jsonl")
    assert len([json.loads(line) for line in (folder / "report.jsonl").read_text().splitlines()]) == 901
    batches.report(ID, folder / "report.html", format="html")
    assert ID in (folder / "report.html").read_text()

    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        batches.report(ID, Full())
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"target": folder / "none" / "report.csv"}, "report"),
        ({"target": folder / "report.csv", "format": "pdf"}, "format"),
        ({"target": 7}, "target"),
        ({"target": folder / "other.csv", "batch_id": "none"}, "batch_id"),
    ]
    for known, field in wrong:
        with pytest.raises((ConfigurationError, InvalidRequestError)) as caught:
            batches.report(**{"batch_id": ID, **known})
        assert caught.value.field == field
    assert not (folder / "other.csv").exists()


def test_bad_rows_are_told_page_by_page(batches: Batches) -> None:
    batches.plan(ID, ({"id": f"E-{row}"} for row in range(300)), maker="maker")
    told: list[RowProblem] = []
    while page := batches.problems(ID, told[-1].row if told else 0):
        told.extend(page)
    assert {problem.row for problem in told} == set(range(1, 301))


def test_values_are_plain_data_and_come_back(batches: Batches) -> None:
    planned = batches.plan(ID, [*dicts(2), {"id": "E-9"}], maker="maker", valid_only=True, count=4)
    start(batches, batches.plan(ID, dicts(2), maker="maker"))
    for value in [planned, batches.drive(ID), *batches.events(ID)]:
        assert type(value).from_dict(value.to_dict()) == value
        assert type(value).from_json(value.to_json()) == value
        assert pickle.loads(pickle.dumps(value)) == value
    problem = planned.plan.row_problems[0]
    assert problem.replace(row=9) == RowProblem(row=9, field=problem.field, problem=problem.problem)
    for whole in [batches, Stop()]:
        with pytest.raises(TypeError):
            pickle.dumps(whole)


def test_no_payee_is_in_the_journal_or_in_what_is_told(batches: Batches, journal: Path) -> None:
    planned = batches.plan(ID, dicts(3), maker="maker")
    start(batches, planned)
    shown = repr([planned, batches.drive(ID), batches.events(ID), batches])
    written = b"".join(path.read_bytes() for path in journal.parent.iterdir())
    for personal in ["11223344", "11223345", "Test account"]:
        assert personal not in shown and personal.encode() not in written
    assert KEY not in shown


def test_an_event_loop_does_the_same(sandbox: Sandbox, journal: Path) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        for row in dicts(1_203):
            await asyncio.sleep(0)
            yield row

    async def main() -> BatchStatus:
        async with new_async_client(sandbox) as client:
            async with AsyncBatches(client, journal=journal, journal_key=KEY) as batches:
                derived = ({**row, "payout_id": None} for row in dicts(3))
                assert (await batches.plan("other", derived, maker="maker")).inserted == 3
                planned = await batches.plan(ID, rows(), maker="maker")
                assert planned.inserted == 1_203 and planned.digest is not None
                (journal.parent / "payroll.csv").write_text(as_csv(dicts(1_203)))
                for source in [csv(journal.parent / "payroll.csv"), csv(io.StringIO(as_csv(dicts(1_203))))]:
                    assert (await batches.plan(ID, source, maker="maker")).digest == planned.digest
                await batches.approve(ID, by="approver", digest=planned.digest, why="the other one is not paid")
                await batches.start(ID, by="operator")
                status = await batches.drive(ID)
                assert status == await batches.status(ID) or status.count("accepted") == 1_203
                await batches.follow(ID, 0)
                assert await batches.pause(ID, by="operator", why="none is left") in (True, False)
                assert len(await batches.events(ID)) >= 3
                report, path = io.BytesIO(), journal.parent / "report.csv"
                assert (await batches.report(ID, report)).count("accepted") == 1_203
                await batches.report(ID, path)
                assert path.read_bytes() == report.getvalue() and len(report.getvalue()) > 64 * 1024
                assert await batches.problems(ID) == []
                return status

    assert asyncio.run(main()).count("accepted") == 1_203
    assert executed(sandbox) == {f"P-{row}": 1 for row in range(1_203)}


def test_what_async_rows_raise_is_raised_as_it_is(sandbox: Sandbox, journal: Path) -> None:
    error = LookupError("the database went away")

    async def rows(count: int) -> AsyncIterator[dict[str, Any]]:
        for row in dicts(count):
            yield row
        raise error

    def of_a_program() -> Iterator[dict[str, Any]]:
        yield from dicts(600)
        raise error

    async def main() -> None:
        async with new_async_client(sandbox) as client:
            async with AsyncBatches(client, journal=journal, journal_key=KEY) as batches:
                sources: list[Any] = [rows(0), rows(1_000), of_a_program()]
                for source in sources:
                    with pytest.raises(LookupError) as caught:
                        await batches.plan(ID, source, maker="maker")
                    assert caught.value is error
                with pytest.raises(InvalidRequestError):
                    await batches.plan("not an id", dicts(3), maker="maker")
                assert (await batches.plan(ID, dicts(3), maker="maker")).plan.items == 3

    asyncio.run(main())


def test_a_cancelled_drive_stops_after_what_is_in_flight(sandbox: Sandbox, journal: Path) -> None:
    async def main() -> BatchStatus:
        async with new_async_client(sandbox) as client:
            async with AsyncBatches(client, journal=journal, journal_key=KEY) as batches:
                planned = await batches.plan(ID, dicts(40), maker="maker", concurrency=2)
                await batches.approve(ID, by="approver", digest=planned.digest or "")
                await batches.start(ID, by="operator")
                sandbox.fault("create_payout", "hold")
                task = asyncio.create_task(batches.drive(ID))
                await asyncio.to_thread(sandbox.wait_until_seen, "create_payout", 2)
                task.cancel()
                done, _ = await asyncio.wait([task], timeout=0.2)
                assert not done, "it waits for what is under way"
                await asyncio.to_thread(sandbox.release)
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert sandbox.control("GET", "calls")["create_payout"] == 2
                status = await batches.status(ID)
                assert (status.count("accepted"), status.count("planned")) == (2, 38)
                assert status.due_in is not None
                await asyncio.sleep(status.due_in.total_seconds())
                sandbox.fault("create_payout", "hold")
                task = asyncio.create_task(batches.drive(ID))
                await asyncio.to_thread(sandbox.wait_until_seen, "create_payout", 4)
                for _ in range(2):
                    task.cancel()
                    await asyncio.sleep(0)
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.to_thread(sandbox.release)
                return await batches.status(ID)

    assert asyncio.run(main()).count("accepted") == 2
