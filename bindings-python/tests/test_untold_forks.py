"""A fork that Python is not told of, so that no hook of `os.register_at_fork` runs: uWSGI's master, C extensions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gateway import Sandbox


def start(program: str, sandbox: Sandbox, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("untold.py"), program],
        env={**os.environ, **sandbox.environment, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str], told: str = "") -> list[str]:
    """What it printed, once it and its children have ended as they should: without a panic or a word on the log."""
    out, log = process.communicate(told, timeout=120)
    assert process.returncode == 0, log
    assert "panicked" not in log and "Traceback" not in log, log
    return out.splitlines()


def test_the_child_and_its_child_pay_and_the_parents_create_stays_the_parents(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", {"nth": 1}, ms=500)
    process = start("pays", sandbox)
    sandbox.wait_until_seen("create_payout")
    lines = said(process, "\n")
    assert lines == ["child TST-CHILD", "grandchild TST-GRANDCHILD", "child ended 0", "child ended 0"]
    assert [sandbox.executed(f"TST-{who}") for who in ("PARENT", "CHILD", "GRANDCHILD")] == [1, 1, 1]


def test_the_child_pays_from_an_event_loop(sandbox: Sandbox) -> None:
    assert said(start("pays_in_a_loop", sandbox)) == ["child TST-CHILD", "child ended 0"]
    assert sandbox.executed("TST-CHILD") == 1


def test_a_child_that_only_ends_does_not_panic_and_waits_for_nothing_of_its_parents(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", {"nth": 1}, ms=500)
    process = start("does_nothing", sandbox)
    sandbox.wait_until_seen("create_payout")
    assert said(process, "\n") == ["child ended 0"]


def test_a_child_that_ends_in_a_create_of_its_own_names_it(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", ms=60_000)
    process = start("leaves_a_create", sandbox)
    sandbox.wait_until_seen("create_payout")
    out, log = process.communicate("\n", timeout=120)
    assert out.splitlines() == ["child ended 0"], log
    assert any("TST-LEFT" in line and "resume=True" in line for line in log.splitlines()), log


def test_no_lock_of_the_parents_threads_is_waited_for(sandbox: Sandbox) -> None:
    lines = said(start("among_busy_threads", sandbox))
    assert lines.count("child ended 0") == 20 and len(lines) == 40, lines


def test_a_store_that_was_not_used_yet_is_each_processs_own(sandbox: Sandbox, folder: Path) -> None:
    lines = said(start("made_store", sandbox, STORE=str(folder / "changes.sqlite")))
    assert lines == ["child []", "child ended 0", "parent []"]


def test_a_store_that_was_used_is_refused_in_the_child_with_what_to_do(sandbox: Sandbox, folder: Path) -> None:
    child, ended, parent = said(start("used_store", sandbox, STORE=str(folder / "changes.sqlite")))
    assert child.startswith("child configuration change_store ") and "open stores after the fork" in child
    assert (ended, parent) == ("child ended 0", "parent []")


def test_a_worker_of_changes_begins_anew_in_the_child(sandbox: Sandbox) -> None:
    assert said(start("worker", sandbox)) == ["child ['komopay-changes']", "child ended 0"]
