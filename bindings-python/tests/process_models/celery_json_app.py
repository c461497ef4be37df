"""A Celery application over JSON: what its tasks get, give and raise are values and errors of the package."""

from __future__ import annotations

import os

from celery import Celery

from komopay import Client, KomopayError, Payout, PayoutRequest
from komopay.celery import register_types

app = Celery("payroll", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    broker_connection_retry_on_startup=True,
    worker_log_format="%(levelname)s %(name)s %(message)s",
    worker_task_log_format="%(levelname)s %(name)s %(message)s",
)
register_types(include_personal="PERSONAL" in os.environ)

client = Client.from_env(total_timeout=3, attempt_timeout=1.5, settle_window=0.1, backoff_base=0.001)


@app.task(name="echo")
def echo(value: object) -> object:
    """What it was given, if that is what it was."""
    assert type(value).__module__.startswith("komopay"), type(value)
    return value


@app.task(name="pay")
def pay(payout_id: str, request: PayoutRequest) -> Payout:
    client.create_payout(payout_id, request)
    return client.wait_for_payout(payout_id, timeout=10)


@app.task(name="fail")
def fail(error: KomopayError) -> None:
    raise error


@app.task(name="give_personal")
def give_personal() -> object:
    from salary import SALARY

    return SALARY
