"""The files in deploy/: systemd and Kubernetes understand them, and the worker understands what they set."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "komopay-worker.service"
MANIFEST = DEPLOY / "kubernetes.yaml"
#: What the worker may need for what is in flight: `total_timeout`, and the journal.
GRACE = 120


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is of Linux")
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is missing: cargo xtask setup"
    text = UNIT.read_text()
    start = "ExecStart=/usr/local/bin/komopay batch work --forever\n"
    assert start in text
    # The program is elsewhere here; all else is as it is.
    here = tmp_path / UNIT.name
    here.write_text(text.replace("/usr/local/bin/komopay", sys.executable))
    found = subprocess.run([analyze, "verify", here], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    # A mistake would be told.
    here.write_text(here.read_text().replace("TimeoutStopSec", "TimeoutStop"))
    found = subprocess.run([analyze, "verify", here], capture_output=True, text=True)
    assert "TimeoutStop" in found.stderr


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_the_manifest_is_one_of_kubernetes(version: str, tmp_path: Path) -> None:
    def validated(path: Path) -> subprocess.CompletedProcess[str]:
        validate = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, str(path)]
        return subprocess.run(validate, capture_output=True, text=True)

    found = validated(MANIFEST)
    assert found.returncode == 0, found.stdout + found.stderr
    # A mistake would be told.
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(MANIFEST.read_text().replace("terminationGracePeriodSeconds", "gracePeriodSeconds"))
    assert validated(wrong).returncode != 0


def test_both_give_what_is_in_flight_the_same_time() -> None:
    assert f"\nTimeoutStopSec={GRACE}\n" in UNIT.read_text()
    assert f"\n      terminationGracePeriodSeconds: {GRACE}\n" in MANIFEST.read_text()


def settings(text: str, named: str) -> set[str]:
    """What a worker finds in its environment, by the name that stands there."""
    return set(re.findall(named, text))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is of Unix")
def test_a_worker_that_finds_what_they_set_waits_for_its_journal(tmp_path: Path) -> None:
    values = {
        "KOMOPAY_BASE_URL": "https://api.sandbox.komopay.id",
        "KOMOPAY_MODE": "test",
        "KOMOPAY_MERCHANT_CODE": "MERCHANT",
        "KOMOPAY_SECRET": "canary-secret-of-deploy",
        # Nobody listens there.
        "KOMOPAY_JOURNAL": "postgresql://worker@127.0.0.1:1/payouts",
        "KOMOPAY_JOURNAL_KEY": "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdoaWo=",
    }
    files = {name: tmp_path / name for name in ("KOMOPAY_SECRET", "KOMOPAY_JOURNAL_KEY")}
    for name, path in files.items():
        path.write_text(values[name] + "\n")
    by_file = {f"{name}_FILE": str(path) for name, path in files.items()}

    manifest = settings(MANIFEST.read_text(), r"- name: (KOMOPAY_\w+)")
    assert manifest == set(values)
    unit = settings(UNIT.read_text(), r"\b(KOMOPAY_[A-Z_]+)\b")
    assert unit == set(values) - set(files) | set(by_file)
    for environment in ({name: values[name] for name in manifest}, {name: (values | by_file)[name] for name in unit}):
        work = [sys.executable, "-m", "komopay", "batch", "work", "--forever"]
        worker = subprocess.Popen(work, env=environment, stderr=subprocess.PIPE, text=True)
        assert worker.stderr is not None
        assert "it is tried again until it is there" in worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)
        _, rest = worker.communicate(timeout=60)
        assert worker.returncode == 0, rest
        assert "tried again" not in rest
