"""The examples that are programs of a terminal or have a database, each as its first lines say that it is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from gateway import CALLBACK_KEY
from programs import EXAMPLES, App, free_port

from komopay import Client
from komopay.batches import Batches, csv_template, generate_journal_key
from komopay.testing import Sandbox, account_number

PAYEE = {"method": "BANK_TRANSFER", "operator_code": "BNK_000", "account_name": "Siti Rahmawati"}


@pytest.fixture
def platform() -> Iterator[Sandbox]:
    with Sandbox() as platform:
        yield platform


def executed(platform: Sandbox) -> Counter[str]:
    return Counter(entry.payout_id for entry in platform.ledger if entry.kind == "executed")


class Payroll:
    """payroll_csv.py, and a file of salaries for it."""

    def __init__(self, platform: Sandbox, folder: Path) -> None:
        self.folder = folder
        settings = {"KOMOPAY_JOURNAL": str(folder / "payroll.sqlite"), "KOMOPAY_JOURNAL_KEY": generate_journal_key()}
        self.environment = {**os.environ, **platform.environment, **settings}

    def write(self, *amounts: str) -> None:
        columns = csv_template().splitlines()[0].split(",")
        lines = [",".join(columns)]
        for number, amount in enumerate(amounts):
            row = {**PAYEE, "id": f"E-{number}", "payout_id": f"P-{number}", "amount": amount, "currency": "IDR"}
            row["account_number"] = f"1122334{number}"
            lines.append(",".join(row.get(column, "") for column in columns))
        (self.folder / "payroll.csv").write_text("\n".join(lines) + "\n")

    def step(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(EXAMPLES / "payroll_csv.py"), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def plan(self) -> subprocess.CompletedProcess[str]:
        return self.step("plan", "payroll-2026-11", "payroll.csv", "--by", "siti")


def test_a_payroll_is_planned_approved_and_paid_once(platform: Sandbox, folder: Path) -> None:
    payroll = Payroll(platform, folder)
    payroll.write("10000", "12000", "14000")
    planned = payroll.plan()
    assert planned.returncode == 0, planned.stderr
    assert "3 payouts, 36000 IDR" in planned.stdout
    digest = re.search(r"kb1:\S+", planned.stdout)
    assert digest

    def approve(who: str) -> subprocess.CompletedProcess[str]:
        return payroll.step("approve", "payroll-2026-11", "--by", who, "--digest", digest[0])

    assert approve("siti").returncode != 0, "nobody approves what is their own"
    assert payroll.step("pay", "payroll-2026-11", "--by", "budi").returncode != 0, "it is not approved"
    assert not executed(platform)
    assert approve("budi").returncode == 0
    for _ in range(2):
        paid = payroll.step("pay", "payroll-2026-11", "--by", "budi")
        assert "succeeded: 3 in IDR" in paid.stdout, paid.stderr
    assert executed(platform) == {"P-0": 1, "P-1": 1, "P-2": 1}
    report = (folder / "payroll-2026-11.html").read_text()
    assert "payroll-2026-11" in report and "Rahmawati" not in report


def test_a_payroll_with_a_bad_row_is_told_and_not_to_be_approved(platform: Sandbox, folder: Path) -> None:
    payroll = Payroll(platform, folder)
    payroll.write("10000", "1.5E+06")
    planned = payroll.plan()
    assert planned.returncode == 2 and "amount" in planned.stderr and "kb1:" not in planned.stdout


def test_a_seller_is_paid_what_it_had_once_and_has_it_again_if_that_fails(
    platform: Sandbox, database: str, folder: Path
) -> None:
    key = generate_journal_key()
    environment = {
        **platform.environment,
        "MARKET_DATABASE": database,
        "KOMOPAY_JOURNAL_KEY": key,
        "KOMOPAY_CALLBACK_KEYS": CALLBACK_KEY,
    }
    with platform.client() as client, Batches(client, journal=database, journal_key=key) as batches:
        digest = batches.open_outbox("sellers", maker="siti", ceilings={"IDR": (5_000_000, 100_000_000)})
        batches.approve("sellers", by="budi", digest=digest)
        batches.start("sellers", by="budi")
        port = free_port()
        environment["MARKET_URL"] = f"http://127.0.0.1:{port}"
        command = ["-m", "uvicorn", "marketplace_fastapi:app", "--port", "PORT"]
        with App(command, EXAMPLES, environment, port) as app, psycopg.connect(database, autocommit=True) as market:
            accounts = {"ayu": "11223344", "dewi": account_number(failure="INVALID_ACCOUNT_NUMBER")}
            for seller, account in accounts.items():
                market.execute("INSERT INTO sellers VALUES (%s, 'BNK_000', %s, 250000)", [seller, account])
            for _ in range(2):
                assert app.request("POST", "/sellers/ayu/payouts/P-1") == 200
            assert app.request("POST", "/sellers/ayu/payouts/P-2") == 404, "it has nothing any more"
            assert app.request("POST", "/sellers/dewi/payouts/P-3") == 200
            assert not executed(platform), "it is intended, and not paid by the application"
            batches.drive("sellers", 10)
            app.wait_for("change 1 of P-1: SUCCESS")
            app.wait_for("change 1 of P-3: FAILED")
            assert executed(platform) == {"P-1": 1, "P-3": 1}
            balances = market.execute("SELECT name, balance::int FROM sellers ORDER BY name").fetchall()
            assert balances == [("ayu", 0), ("dewi", 250000)]
            assert app.stop() in (0, -15)
    assert "Traceback" not in "\n".join(app.lines) and accounts["ayu"] not in "\n".join(app.lines)


def test_the_tests_of_an_example_pass(folder: Path) -> None:
    shutil.copytree(EXAMPLES / "salary", folder / "salary")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."]
    run = subprocess.run(command, cwd=folder / "salary", capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and "3 passed" in run.stdout, run.stdout + run.stderr


def test_a_salary_is_paid_by_a_job_that_may_be_run_again(platform: Sandbox) -> None:
    for _ in range(2):
        command = [sys.executable, str(EXAMPLES / "salary" / "pay_salary.py")]
        run = subprocess.run(
            command, env={**os.environ, **platform.environment}, capture_output=True, text=True, timeout=60
        )
        assert run.stdout == "SUCCESS\n", run.stderr
    assert executed(platform) == {"SALARY-2026-11-001": 1}
