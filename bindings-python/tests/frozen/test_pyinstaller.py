"""A real application, frozen by PyInstaller: it pays, reads, is refused, logs and uses asyncio, as it was built."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from gateway import Sandbox

# PyInstaller takes the library along, and a Python that was built without one has none.
HAS_LIBRARY = os.name == "nt" or any(map(sysconfig.get_config_var, ("Py_ENABLE_SHARED", "PYTHONFRAMEWORK")))


@pytest.mark.skipif(not HAS_LIBRARY, reason="this Python has no library that could be shared")
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
