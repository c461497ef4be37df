"""Batches on Celery: an app whose beat sends a task for each batch, and whose workers pay it."""

# pyright: reportMissingTypeStubs=false
import os

from celery import Celery

import komopay.celery
from komopay import Client
from komopay.batches import Batches

app = Celery("payroll", broker=os.environ["BROKER_URL"])
batches = Batches(Client.from_env(), journal=os.environ["KOMOPAY_JOURNAL"])
work = komopay.celery.register(app, batches, ids=["payroll-2026-11", "refunds"], every=30, time=60)
