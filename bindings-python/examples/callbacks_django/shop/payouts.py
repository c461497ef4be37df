"""The client, and what is done for each change of a payout."""

import os

from komopay import Client, PayoutChange, SqliteChangeStore
from komopay.django import Callbacks

STORE = SqliteChangeStore(os.environ.get("SHOP_CHANGES", "changes.sqlite"))
client = Client.from_env(change_store=STORE, change_lease=float(os.environ.get("SHOP_LEASE", "60")))


def on_change(change: PayoutChange) -> None:
    """Called for each change: tell the customer, close the order. Ignore a sequence not above the last."""
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)


callbacks = Callbacks(client, on_change)
