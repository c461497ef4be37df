"""What a process does with the app for Django: its settings are JSON of the environment."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line

from komopay import PayoutChange

given = json.loads(os.environ["KOMOPAY_SETTINGS"])
apps = ["komopay.django"]
here = "django_app" if __name__ == "__main__" else __name__
sys.modules.setdefault(here, sys.modules[__name__])
settings.configure(INSTALLED_APPS=apps, KOMOPAY=given, ROOT_URLCONF="komopay.django.urls", ALLOWED_HOSTS=["*"])


def on_change(change: PayoutChange) -> None:
    """Tells it."""
    if change.payout_id in os.environ.get("FAILING", ""):
        raise RuntimeError("the database is down")
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)


async def on_change_async(change: PayoutChange) -> None:
    """The same."""
    on_change(change)


NO_FUNCTION = Path()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
