"""A real application, frozen by PyInstaller: it pays, reads, is refused, logs and uses asyncio, as it was built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway import Sandbox


def test_a_frozen_application_pays(sandbox: Sandbox, folder: Path) -> None:
    build = [sys.executable, "-m", "PyInstaller", "--onedir", "--name", "pays", "--log-level", "ERROR"]
    for option in ("--distpath", "--workpath", "--specpath"):
        build += [option, str(folder / option.strip("-"))]
    application = str(Path(__file__).with_name("application.py"))
    built = subprocess.run([*build, application], capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stderr
    # Nothing but what is in it: not even a Python.
    run = subprocess.run(
        [folder / "distpath" / "pays" / "pays"], env=sandbox.environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["10000", "not_found UTC", "SUCCESS", "1", "True True"]
    assert sandbox.executed("FROZEN-1") == 1
