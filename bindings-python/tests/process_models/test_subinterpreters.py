"""Subinterpreters: refused with a text that says what to do, and the main interpreter pays as ever."""

from __future__ import annotations

import pytest
from gateway import Sandbox
from program import Program, account_for

pytestmark = pytest.mark.process_model("subinterpreters")


@pytest.mark.parametrize("order", ["main first", "main later"])
@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_a_subinterpreter_is_refused_and_the_main_one_pays(kind: str, order: str, sandbox: Sandbox) -> None:
    with Program("subinterpreter.py", kind, order, sandbox=sandbox) as program:
        assert program.end() == 0
        told = program.said.splitlines()
        assert len(told) == 3 and told[0] == told[1] and told[2] == "paid TST-MAIN", told
        assert told[0].startswith("refused: komopay works in the main interpreter of a process only")
        assert "WSGIApplicationGroup %{GLOBAL}" in told[0] and "processes" in told[0]
        account_for(["TST-MAIN"], program, sandbox)
