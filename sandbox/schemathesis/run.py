"""Holds a running ``komopay-sandbox`` against the contract with Schemathesis: ``python run.py PATH_OF_THE_PROGRAM``."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parent.parent / "tests" / "contract"
ANNOUNCEMENT = "komopay-sandbox listens on "
ANSWER = re.compile(r"\b(GET|POST) (/[^ ]+) -> (\d{3})")


class Sandbox:
    """The program as a child process on a free port, with the statuses it answered."""

    def __init__(self, program: Path) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.base_url = ""
        self._listens = threading.Event()
        # Payouts end while the checks run, so that both their states are seen.
        command = [program, "--port", "0", "--processing-ms", "20"]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith(ANNOUNCEMENT):
                self.base_url = line.removeprefix(ANNOUNCEMENT).strip()
                self._listens.set()
            elif answer := ANSWER.search(line):
                method, path, status = answer.groups()
                # A valid id is logged after its path, an invalid one is not logged at all.
                path = re.sub(r"^/payouts(/[A-Za-z0-9_-]+)?$", "/payouts/{idPayout}", path)
                self.answers[f"{method} {path}", int(status)] += 1
        self._listens.set()

    def wait(self) -> None:
        self._listens.wait(timeout=20)
        if not self.base_url:
            raise SystemExit("komopay-sandbox did not say where it listens")

    def token(self) -> str:
        """A token that allows everything."""
        credentials = {"merchantCode": "SANDBOX_MERCHANT", "secret": "sandbox-secret", "validitySecs": 3600}
        request = urllib.request.Request(
            f"{self.base_url}/auth-tokens",
            data=json.dumps(credentials).encode(),
            headers={"Content-Type": "application/json", "X-API-Version": "2"},
        )
        # An environment's proxy has no business between two programs of this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            token: str = json.load(answer)["token"]
        return token

    def stop(self) -> None:
        self._child.terminate()
        self._child.wait(timeout=20)
        self._reader.join()


def schemathesis(sandbox: Sandbox, max_examples: int, seed: int | None, folder: Path) -> int:
    """Runs all phases; returns the exit code."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run"]
    command += [CONTRACT / "payout-api.yaml", "--url", sandbox.base_url, "--max-examples", str(max_examples)]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"]
    if seed is not None:
        command += ["--seed", str(seed)]
    environment = os.environ | {
        "SANDBOX_TOKEN": sandbox.token(),
        "SANDBOX_EXAMPLES": str(CONTRACT / "examples"),
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_PROXY": "127.0.0.1",
    }
    # What it leaves behind belongs to the folder, which is thrown away.
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def never_succeeded(answers: Counter[tuple[str, int]]) -> list[str]:
    """Operations without a single answer of success: their answers and their checks of tokens were not tested."""
    succeeded = {operation for operation, status in answers if status in (200, 201)}
    return sorted({operation for operation, _ in answers} - succeeded)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="the komopay-sandbox to check")
    parser.add_argument("--max-examples", type=int, default=100, help="cases per operation and phase")
    parser.add_argument("--seed", type=int, help="repeats a run")
    arguments = parser.parse_args()

    sandbox = Sandbox(arguments.program.resolve())
    try:
        sandbox.wait()
        with tempfile.TemporaryDirectory() as folder:
            code = schemathesis(sandbox, arguments.max_examples, arguments.seed, Path(folder))
    finally:
        sandbox.stop()
    print("\nWhat the sandbox answered:")
    for operation in sorted({operation for operation, _ in sandbox.answers}):
        statuses = sorted((status, count) for (known, status), count in sandbox.answers.items() if known == operation)
        print(f"  {operation}: " + ", ".join(f"{status} x {count}" for status, count in statuses))
    if missing := never_succeeded(sandbox.answers):
        print("Never succeeded: " + ", ".join(missing))
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
