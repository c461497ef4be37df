"""`komopay` and `python -m komopay`: payouts and batches from a terminal, by the program that is in the package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import komopay
from komopay import BankAccount, BankTransfer, Money, PayoutRequest
from komopay.testing import Sandbox

MODULE = [sys.executable, "-m", "komopay"]
SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "komopay")]


@pytest.fixture
def platform() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def run(program: list[str], arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")}
    known |= environment
    return subprocess.run([*program, *arguments], env=known, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("program", [MODULE, SCRIPT], ids=["module", "script"])
def test_a_key_is_made_and_the_balances_are_shown(program: list[str], platform: Sandbox) -> None:
    made = run(program, ["batch", "key"])
    assert (made.returncode, made.stderr) == (0, "")
    assert len(made.stdout.strip()) == 44
    shown = run(program, ["balances", "--json"], **platform.environment)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "IDR" in json.dumps(json.loads(shown.stdout))
    assert json.loads(run(program, ["--json", "balances"], **platform.environment).stdout) == json.loads(shown.stdout)


def test_what_the_program_ends_with_is_passed_on(platform: Sandbox, tmp_path: Path) -> None:
    missing = run(MODULE, ["balances"])
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "KOMOPAY_BASE_URL" in missing.stderr and "Traceback" not in missing.stderr
    dance = run(MODULE, ["batch", "dance"])
    assert dance.returncode == 2 and "komopay batch" in dance.stderr
    with platform:
        known = platform.environment
    # Nobody answers there any more.
    gone = run(MODULE, ["balances", "--total-timeout", "1"], **known)
    assert (gone.returncode, gone.stdout) == (1, "")

    rows = tmp_path / "rows.csv"
    rows.write_text("id,amount,currency,operator_code,account_name,account_number\nE-1,10,IDR,BNK_000,Siti,0123\n")
    with Sandbox() as sandbox:
        key = run(MODULE, ["batch", "key"]).stdout.strip()
        journal = {"KOMOPAY_JOURNAL": str(tmp_path / "journal"), "KOMOPAY_JOURNAL_KEY": key, **sandbox.environment}
        planned = run(MODULE, ["batch", "plan", "payroll", str(rows), "--by", "siti"], **journal)
        # It awaits approval.
        assert planned.returncode == 4, planned.stderr
        assert "0123" not in planned.stdout + planned.stderr and key not in planned.stdout + planned.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="nobody sends a Ctrl-C to one process there")
@pytest.mark.parametrize("program", [MODULE, SCRIPT], ids=["module", "script"])
def test_ctrl_c_is_the_programs(program: list[str], platform: Sandbox) -> None:
    account = BankAccount(name="Siti", number="9000000099")
    bank = BankTransfer(operator_code="BNK_000", account=account)
    with platform.client() as client:
        client.create_payout("TST-1", PayoutRequest(money=Money("10000", "IDR"), method=bank))
    # It stays PROCESSING.
    command = [*program, "payout", "wait", "TST-1"]
    known = {**os.environ, **platform.environment}
    with subprocess.Popen(command, env=known, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        until = time.monotonic() + 30
        while platform.calls("get_payout") == 0:
            assert waiting.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        waiting.send_signal(signal.SIGINT)
        _, told = waiting.communicate(timeout=30)
    # Not at its end, and no traceback of Python's.
    assert waiting.returncode == 6, told
    assert "Traceback" not in told and "KeyboardInterrupt" not in told


def test_version_and_usage_tell_the_commands() -> None:
    told = run(MODULE, ["--version"])
    assert (told.returncode, told.stdout) == (0, f"komopay {komopay.__version__}\n")
    usage = run(MODULE, ["--help"])
    commands = ("payout", "batch", "balances", "operators", "sandbox", "listen", "trigger")
    assert usage.returncode == 0 and all(f"  {command} " in usage.stdout for command in commands)
    told = run(MODULE, ["payout", "--help"])
    assert told.returncode == 0 and "Usage: komopay payout" in told.stdout
