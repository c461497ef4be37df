"""`python -m komopay listen` and `python -m komopay trigger`, run as a user would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway import RECORD
from programs import KEY, App, free_port

from komopay.testing import Sandbox

CASES = {
    "success": (["SUCCESS"], "callback SUCCESS, attempt 1: answered 200"),
    "failed": (["FAILED"], "callback FAILED, attempt 1: answered 200"),
    "refused": (["REFUSED"], "callback REFUSED, attempt 1: answered 200"),
    "correction": (["SUCCESS", "FAILED"], "callback FAILED, attempt 1: answered 200"),
    "duplicate": (["SUCCESS"], "callback SUCCESS, attempt 1: answered 200"),
    "lost_answer": (["SUCCESS"], "callback SUCCESS, attempt 2: answered 200"),
}


@pytest.fixture
def port() -> int:
    """The port to listen on."""
    return free_port()


@pytest.fixture
def platform(port: int) -> Iterator[Sandbox]:
    with Sandbox(control=True, forge_to_ports=[port]) as sandbox:
        yield sandbox


def run(command: list[str], sandbox: Sandbox, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, **sandbox.environment, "KOMOPAY_CALLBACK_KEYS": KEY, **environment}
    program = [sys.executable, "-m", "komopay", *command]
    return subprocess.run(program, env=known, capture_output=True, text=True, timeout=60)


@pytest.fixture
def listening(platform: Sandbox, port: int, tmp_path: Path) -> Iterator[App]:
    with App(["-m", "komopay", "listen", "--port", "PORT"], tmp_path, platform.environment, port) as app:
        app.wait_for(f"komopay listens for callbacks on {app.url}")
        yield app


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_sent_and_its_changes_are_shown_once(case: str, platform: Sandbox, listening: App) -> None:
    statuses, last = CASES[case]
    triggered = run(["trigger", case, "--url", listening.url, "--id", "TST-1"], platform)
    assert (triggered.returncode, triggered.stderr) == (0, "")
    assert triggered.stdout.splitlines()[0] == f"payout TST-1 is {statuses[0]}"
    assert triggered.stdout.splitlines()[-1] == last
    assert triggered.stdout.count("answered 200") == (3 if case == "duplicate" else len(statuses))
    # A Ctrl-C ends it cleanly, with all that it has shown.
    assert listening.stop(signal.SIGINT) == 0
    shown = [line.split(": ")[1] for line in listening.lines if "change " in line]
    assert len(shown) == len(statuses)
    for line, status in zip(shown, statuses, strict=True):
        assert f" {status}" in line
    assert ("a correction of a final status" in "".join(shown)) == (case == "correction")
    assert not any("Traceback" in line or KEY in line for line in listening.lines)


def test_a_forged_callback_is_refused(platform: Sandbox, listening: App) -> None:
    triggered = run(["trigger", "forged", "--url", listening.url, "--id", "TST-1"], platform)
    assert triggered.stdout == "callback forged, attempt 1: answered 403\n"
    assert platform.calls("get_payout") == 0
    assert listening.request("POST", "/", b" " * 70_000) == 413
    assert listening.request("POST", "/", b"no JSON") == 400
    assert listening.request("GET", "/") == 501
    with socket.create_connection(("127.0.0.1", listening.port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 411 " in connection.recv(4096).splitlines()[0]
    assert listening.stop(signal.SIGINT) == 0
    assert sum(" 403 the callback is refused" in line for line in listening.lines) == 1


def test_nothing_is_forged_to_a_port_that_was_not_named(platform: Sandbox) -> None:
    triggered = run(["trigger", "forged", "--url", f"http://127.0.0.1:{free_port()}"], platform)
    assert (triggered.returncode, triggered.stdout) == (1, "")
    assert "--forge-to-port" in triggered.stderr
    assert platform.deliveries() == []


def test_a_token_of_another_sandbox_is_told(platform: Sandbox) -> None:
    with Sandbox(control=True) as other:
        token = other.environment["KOMOPAY_SANDBOX_TOKEN"]
        triggered = run(["trigger", "success"], platform, KOMOPAY_SANDBOX_TOKEN=token)
    assert (triggered.returncode, triggered.stdout) == (1, "")
    assert "another token than KOMOPAY_SANDBOX_TOKEN says" in triggered.stderr
    assert token not in triggered.stderr and platform.ledger == []


def test_a_callback_that_nobody_receives_is_told(platform: Sandbox) -> None:
    triggered = run(["trigger", "success", "--url", f"http://127.0.0.1:{free_port()}"], platform)
    assert triggered.returncode == 1
    assert "attempt 1: failed" in triggered.stdout


def test_nothing_is_paid_where_no_sandbox_answers(platform: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is asked there is no call of the contract, on purpose.
    monkeypatch.delenv(RECORD, raising=False)
    with Sandbox() as quiet:
        elsewhere = [{"KOMOPAY_BASE_URL": url} for url in ("https://api.komopay.id", "http://127.0.0.1:1")]
        for environment in (quiet.environment, *elsewhere):
            triggered = run(["trigger", "success"], platform, **environment)
            assert (triggered.returncode, triggered.stdout) == (1, "")
            assert "python -m komopay sandbox --control" in triggered.stderr
        assert quiet.ledger == []


def test_settings_that_are_missing_are_named(platform: Sandbox) -> None:
    for command in (["listen"], ["trigger", "success"]):
        for variable in ("KOMOPAY_CALLBACK_KEYS", "KOMOPAY_SECRET", "KOMOPAY_BASE_URL"):
            ended = run(command, platform, **{variable: ""})
            assert ended.returncode == 2
            assert ended.stderr.startswith(f"{command[0]}: {variable}: is not set in the environment")
            assert len(ended.stderr.splitlines()) == 1
    ended = run(["trigger", "success"], platform, KOMOPAY_SANDBOX_TOKEN="")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("trigger: KOMOPAY_SANDBOX_TOKEN: is not set in the environment")


def test_a_port_that_is_taken_is_told(platform: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run(["listen", "--port", port], platform)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"listen: cannot listen on port {port}: ")
    assert run(["listen", "--port", "70000"], platform).returncode == 1
    assert run(["listen", "--port", "many"], platform).returncode == 2


def test_help_tells_the_commands_and_cases(platform: Sandbox) -> None:
    assert all(command in run(["--help"], platform).stdout for command in ("sandbox", "listen", "trigger"))
    assert "KOMOPAY_CALLBACK_KEYS" in run(["listen", "--help"], platform).stdout
    told = run(["trigger", "--help"], platform).stdout
    assert all(f"  {case}" in told for case in [*CASES, "forged"])
    assert run(["trigger", "nothing"], platform).returncode == 2
    assert run(["dance"], platform).returncode == 2
