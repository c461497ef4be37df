"""What is done for each change of a payout, by the workers of Celery: they need no client of the platform."""

# pyright: basic
import os

from celery import Celery

from komopay import PayoutChange
from komopay.celery import register_types

# A change goes through the broker as JSON. It holds no account number.
register_types()

BROKER = os.environ.get("SHOP_BROKER")

app = Celery("shop", broker=BROKER)
app.conf.update(task_serializer="json", accept_content=["json"])
app.conf.update(task_always_eager=not BROKER, broker_connection_retry_on_startup=True, worker_redirect_stdouts=False)


@app.task(name="tell_customer", acks_late=True)
def tell_customer(change: PayoutChange) -> None:
    """Tells the customer, closes the order. It may run twice, and late: ignore a sequence not above the last."""
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)
