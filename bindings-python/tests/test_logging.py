"""The log belongs to who made the call: thread, context, order, and facts as fields."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from conftest import documented_request, new_async_client, new_client
from gateway import Sandbox

from komopay import AsyncClient

_REQUEST = contextvars.ContextVar("request", default="-")
_LOG = logging.getLogger("application")


class Heard(logging.Handler):
    """What was logged, with where."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.contexts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.contexts.append(_REQUEST.get())


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    for name in ("komopay", "application"):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    for name in ("komopay", "application"):
        logging.getLogger(name).removeHandler(handler)
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_records_come_in_the_callers_thread_and_context_and_before_its_next_line(
    sandbox: Sandbox, heard: Heard
) -> None:
    def work() -> None:
        _REQUEST.set("request-1")
        client.create_payout("LOG-1", documented_request())
        _LOG.info("after the call")

    with new_client(sandbox) as client:
        thread = threading.Thread(target=work, name="web-1")
        thread.start()
        thread.join()
    mine = [record for record in heard.records if record.threadName == "web-1"]
    assert mine[-1].name == "application"
    assert len(mine) > 1
    assert set(heard.contexts[: len(mine)]) == {"request-1"}
    assert heard.records[: len(mine)] == mine


def test_the_line_of_a_call_is_captured_when_it_returns(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "komopay"), new_client(sandbox) as client:
        client.create_payout("LOG-1", documented_request())
        assert "POST /payouts/LOG-1 was answered" in caplog.text


def test_a_hundred_calls_find_their_records_when_they_return(sandbox: Sandbox, heard: Heard) -> None:
    with new_client(sandbox) as client:
        for number in range(100):
            heard.records.clear()
            client.create_payout(f"LOG-{number}", documented_request())
            # Of the create's task, which runs on a thread of its own.
            assert [r for r in heard.records if "POST /payouts" in r.getMessage()], f"call {number}"


def test_records_come_in_the_context_and_task_of_an_asyncio_caller(sandbox: Sandbox, heard: Heard) -> None:
    async def work(client: AsyncClient, name: str) -> None:
        _REQUEST.set(name)
        await client.create_payout(name, documented_request())
        _LOG.info("after %s", name)

    async def main() -> None:
        async with new_async_client(sandbox) as client:
            tasks = [asyncio.create_task(work(client, name), name=name) for name in ("LOG-A", "LOG-B")]
            await asyncio.gather(*tasks)

    asyncio.run(main())
    for name in ("LOG-A", "LOG-B"):
        mine = [r for r, context in zip(heard.records, heard.contexts, strict=True) if context == name]
        assert mine[-1].getMessage() == f"after {name}"
        assert len(mine) > 1
        assert {record.thread for record in mine} == {threading.get_ident()}
        if sys.version_info >= (3, 12):
            assert {record.taskName for record in mine} == {name}


def test_facts_are_fields_of_the_record(sandbox: Sandbox, heard: Heard) -> None:
    with new_client(sandbox) as client:
        client.create_payout("LOG-1", documented_request())
    facts = [vars(record) for record in heard.records]
    sent = next(fact for fact in facts if fact.get("http_status") == 201)
    assert sent["payout_id"] == "LOG-1"
    assert sent["attempt"] == 2, "the first asked for the token"
    assert sent["duration_ms"] >= 0
    assert "http_status=201" in sent["msg"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_a_handler_lets_out_ends_no_call(sandbox: Sandbox, heard: Heard) -> None:
    heard.addFilter(_raising)
    with new_client(sandbox) as client:
        assert client.create_payout("LOG-1", documented_request()).payout_id == "LOG-1"


def _raising(_: logging.LogRecord) -> bool:
    raise RuntimeError("a filter of the application")


def test_a_handler_that_calls_back_is_served(sandbox: Sandbox, heard: Heard) -> None:
    class Asking(logging.Handler):
        asked = False

        def emit(self, record: logging.LogRecord) -> None:
            if not self.asked:
                self.asked = True
                client.get_payout("LOG-0")

    asking = Asking()
    with new_client(sandbox) as client:
        client.create_payout("LOG-0", documented_request())
        logging.getLogger("komopay").addHandler(asking)
        try:
            client.create_payout("LOG-1", documented_request())
        finally:
            logging.getLogger("komopay").removeHandler(asking)
    assert asking.asked


def test_a_create_goes_on_while_a_handler_of_its_own_record_takes_its_time(sandbox: Sandbox, heard: Heard) -> None:
    def wait(record: logging.LogRecord) -> bool:
        # The caller's thread is here; the payout is made all the same.
        if "POST /auth-tokens" in record.getMessage():
            sandbox.wait_until_seen("create_payout")
            waited.append(record)
        return True

    waited: list[logging.LogRecord] = []
    heard.addFilter(wait)
    with new_client(sandbox) as client:
        client.create_payout("LOG-1", documented_request())
    assert len(waited) == 1


def test_what_ends_the_program_out_of_a_handler_ends_the_call(sandbox: Sandbox, heard: Heard) -> None:
    class Ending(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("komopay").removeHandler(self)
            raise SystemExit("the application ends")

    with new_client(sandbox) as client:
        logging.getLogger("komopay").addHandler(Ending())
        with pytest.raises(SystemExit):
            client.create_payout("LOG-1", documented_request())
    assert any("LOG-1" in r.getMessage() and "resume" in r.getMessage() for r in heard.records)
