"""A payroll from a CSV file: one person plans it, another approves just that, and it is paid exactly once.

    $ export KOMOPAY_JOURNAL_KEY=$(komopay batch key) KOMOPAY_JOURNAL=payroll.sqlite
    $ komopay batch template > payroll.csv  # the columns; then a row for each salary
    $ python payroll_csv.py plan payroll-2026-11 payroll.csv --by siti
    $ python payroll_csv.py approve payroll-2026-11 --by budi --digest kb1:...
    $ python payroll_csv.py pay payroll-2026-11 --by budi

Killed in the middle, `pay` goes on when it is run again. The other settings come from the environment, as in
quickstart.py.
"""

# pyright: reportAny=false, reportUnusedCallResult=false
import argparse
import os
import sys
import time

from komopay import Client
from komopay.batches import Batches, csv


def plan(batches: Batches, batch_id: str, path: str, by: str) -> int:
    """Checks every row, and shows what is to be approved. Nothing is sent."""
    planned = batches.plan(batch_id, csv(path), maker=by)
    for found in (*planned.plan.row_problems, *planned.plan.problems, *planned.plan.warnings):
        print(found, file=sys.stderr)
    if planned.digest is None:
        return 2
    for currency in planned.plan.currencies:
        print(f"{currency.count} payouts, {currency.sum}")
    print(f"to approve: {planned.digest}")
    return 0


def pay(batches: Batches, batch_id: str, by: str) -> int:
    """Sends what is not sent, and reads until each payout is final."""
    if batches.status(batch_id).state in ("approved", "paused"):
        batches.start(batch_id, by=by)
    status = batches.drive(batch_id)
    while status.due_in is not None:
        time.sleep(status.due_in.total_seconds())
        batches.drive(batch_id)
        status = batches.follow(batch_id)
    for count in status.counts:
        print(f"{count.state}: {count.count} in {count.currency}")
    # What needs a person is in it, and what to do.
    batches.report(batch_id, f"{batch_id}.html", format="html")
    return 0 if status.state == "closed" else 3


def main() -> int:
    """Does one of the three steps."""
    arguments = argparse.ArgumentParser()
    steps = arguments.add_subparsers(dest="step", required=True)
    for name in ("plan", "approve", "pay"):
        step = steps.add_parser(name)
        step.add_argument("batch_id")
        if name == "plan":
            step.add_argument("path")
        if name == "approve":
            step.add_argument("--digest", required=True)
            step.add_argument("--why", help="why the warnings of the plan are fine")
        step.add_argument("--by", required=True)
    given = arguments.parse_args()
    with Client.from_env() as client, Batches(client, journal=os.environ["KOMOPAY_JOURNAL"]) as batches:
        if given.step == "plan":
            return plan(batches, given.batch_id, given.path, given.by)
        if given.step == "approve":
            # Another content has another digest, and the maker may not approve.
            batches.approve(given.batch_id, by=given.by, digest=given.digest, why=given.why)
            return 0
        return pay(batches, given.batch_id, given.by)


if __name__ == "__main__":
    sys.exit(main())
