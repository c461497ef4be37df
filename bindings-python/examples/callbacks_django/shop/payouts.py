"""The client, and what is done for each change of a payout."""

import os

from komopay import Client, PayoutChange, SqliteChangeStore
from komopay.django import Callbacks

from .tasks import tell_customer

STORE = SqliteChangeStore(os.environ.get("SHOP_CHANGES", "changes.sqlite"))
client = Client.from_env(change_store=STORE, change_lease=float(os.environ.get("SHOP_LEASE", "60")))


def on_change(change: PayoutChange) -> None:
    """Called for each change. When it returns, the change is acknowledged: by then Celery has it."""
    told = (change.payout_id, change.sequence, change.payout.status)
    tell_customer.delay(*told)  # pyright: ignore[reportFunctionMemberAccess, reportAny]


callbacks = Callbacks(client, on_change)
