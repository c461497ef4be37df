"""A Celery application that pays. Its client is made and used when the worker loads this, before the pool forks."""

from __future__ import annotations

import os

from celery import Celery
from salary import SALARY

from komopay import Client, PayoutRequest

app = Celery("payroll", broker=os.environ["BROKER"])
app.conf.update(
    # A request pickles whole, with its account number.
    accept_content=["pickle"],
    task_serializer="pickle",
    # A task is done when it has ended, not when it was taken; that of a child that was killed is delivered again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    worker_log_format="%(levelname)s %(name)s %(message)s",
    worker_task_log_format="%(levelname)s %(name)s %(message)s",
)

client = Client.from_env()
client.create_payout("TST-MASTER", SALARY)


@app.task(name="pay", max_retries=None)
def pay(payout_id: str, request: PayoutRequest) -> None:
    """Pays once, however often it is delivered: the id was stored before, and every delivery gives the same one."""
    print(f"child {os.getpid()} pays {payout_id}")
    accepted = client.create_payout(payout_id, request, resume=True)
    print(f"child {os.getpid()} has paid {accepted.payout_id}, recovered {accepted.recovered}")
