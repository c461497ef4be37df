"""Threads at the end of the interpreter: the process ends with code 0, and the log names each id nobody heard of."""

from __future__ import annotations

import pytest
from gateway import Sandbox
from program import Program, account_for, named

pytestmark = pytest.mark.process_model("daemon threads at exit")


def ends_well(program: Program) -> None:
    assert program.end() == 0
    for sign in ("Fatal", "panicked", "Exception ignored", "Traceback"):
        assert sign not in program.said


def test_the_log_names_the_creates_of_daemon_threads(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("ending.py", "in_daemon_threads", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout", 8)
        program.tell()
        ends_well(program)
        for number in range(8):
            program.wait_for(named(f"TST-{number}"))
        sandbox.release()
        account_for([f"TST-{number}" for number in range(8)], program, sandbox)


def test_the_end_waits_for_what_is_on_the_wire(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("ending.py", "in_daemon_threads", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout", 8)
        program.tell()
        program.wait_for("the main thread ends")
        sandbox.release()
        ends_well(program)
        account_for([f"TST-{number}" for number in range(8)], program, sandbox)


def test_the_log_names_a_create_that_ended_and_whose_loop_stands_still(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("ending.py", "in_a_loop_that_stands", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout")
        program.tell()
        ends_well(program)
        program.wait_for(named("TST-STANDS"))
        sandbox.release()
        account_for(["TST-STANDS"], program, sandbox)


def test_the_creates_of_an_executor_are_waited_for_and_it_takes_no_more(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("ending.py", "in_an_executor", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout", 2)
        program.tell()
        program.wait_for("the main thread ends")
        sandbox.release()
        ends_well(program)
        program.wait_for("^paid TST-[01]$", times=2)
        program.wait_for("^refused: cannot schedule new futures")
        account_for(["TST-0", "TST-1"], program, sandbox)
        assert sandbox.executed("TST-LATE") == 0


@pytest.mark.parametrize("client", ["used_before", "never_used", "made_late", "in_a_loop", "from_a_thread"])
def test_a_call_after_the_end_is_refused_and_nothing_is_sent(client: str, sandbox: Sandbox) -> None:
    with Program("ending.py", client, sandbox=sandbox) as program:
        program.wait_for("^ClosedError TST-LATE$")
        ends_well(program)
        assert sandbox.executed("TST-LATE") == 0


def test_a_create_after_the_end_of_an_id_that_is_not_settled_is_not_told_as_unsent(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "execute_then_close")
    sandbox.fault("get_payout", "status", status=503)
    with Program("ending.py", "left_unknown", sandbox=sandbox) as program:
        program.wait_for("^OutcomeUnknownError TST-UNSETTLED$", times=2)
        program.wait_for("^OutcomeUnknownError TST-LOOPED in a loop$", times=2)
        program.wait_for("^ClosedError TST-LATE$")
        ends_well(program)
        assert [sandbox.executed(payout_id) for payout_id in ("TST-UNSETTLED", "TST-LOOPED", "TST-LATE")] == [1, 1, 0]
