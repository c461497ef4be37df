"""gevent: a call works in a greenlet and blocks its hub; through gevent's threadpool, the hub goes on."""

from __future__ import annotations

import pytest
from gateway import Sandbox
from program import Program, account_for

pytestmark = pytest.mark.process_model("gevent")


def test_a_call_in_a_greenlet_blocks_the_hub_until_it_has_ended(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("gevent_app.py", "beside_another", "directly", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout")
        sandbox.release()
        assert program.end() == 0
        turns = program.wait_for("^(paid TST-GREENLET|the other greenlet runs)$", times=2)
        assert turns == ["paid TST-GREENLET", "the other greenlet runs"]
        account_for(["TST-GREENLET"], program, sandbox)


def test_a_call_through_the_threadpool_lets_the_hub_run(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("gevent_app.py", "beside_another", "threadpool", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout")
        program.wait_for("^the other greenlet runs$")
        assert "paid" not in program.said
        sandbox.release()
        program.wait_for("^paid TST-GREENLET$")
        assert program.end() == 0
        account_for(["TST-GREENLET"], program, sandbox)


def test_many_greenlets_pay_once_each(sandbox: Sandbox) -> None:
    with Program("gevent_app.py", "many", sandbox=sandbox) as program:
        assert program.end() == 0
        ids = [f"TST-{number}" for number in range(50)]
        assert sorted(program.wait_for("^paid (.*)")) == sorted(ids)
        account_for(ids, program, sandbox)


def test_a_greenlet_that_is_killed_leaves_its_create_to_its_end(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")
    with Program("gevent_app.py", "given_up", sandbox=sandbox) as program:
        sandbox.wait_until_seen("create_payout")
        program.tell()
        program.wait_for("^given up$")
        sandbox.release()
        assert program.end() == 0
        assert sandbox.executed("TST-LEFT") == 1


def test_a_function_that_gives_tokens_may_wait_as_greenlets_do(sandbox: Sandbox) -> None:
    arguments = ["gevent_app.py", "with_a_token_of_a_function", sandbox.url]
    with Program(*arguments, sandbox=sandbox) as program:
        program.wait_for("^paid TST-TOKEN$")
        assert program.end() == 0
        account_for(["TST-TOKEN"], program, sandbox)
