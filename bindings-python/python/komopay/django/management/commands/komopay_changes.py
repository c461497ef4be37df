"""`python manage.py komopay_changes`: handles the changes of payouts."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from komopay import KomopayError
from komopay.changes import ChangeWorker
from komopay.django import _worker
from komopay.django._settings import client, handler

__all__ = ["Command"]


class Command(BaseCommand):
    """Takes changes out of the store and gives each to the `HANDLER`, until it gets a SIGTERM or a SIGINT."""

    help = "Gives each change of a payout to the HANDLER of settings.KOMOPAY, until it gets a SIGTERM or a SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Its options."""
        _ = parser.add_argument("--once", action="store_true", help="end when nothing is left to be handled")
        _ = parser.add_argument(
            "--interval", type=float, default=5.0, metavar="SECONDS", help="how often it looks for changes (5)"
        )

    def handle(self, *args: object, once: bool, interval: float, **options: object) -> None:
        """Runs until it is told to end, or with `once`, until nothing is left."""
        try:
            worker = _worker(client(), handler(), interval=interval)
        except (ImproperlyConfigured, KomopayError, ValueError) as error:
            raise CommandError(str(error)) from None
        stop = _stopped()
        if once:
            self._once(worker, stop)
            return
        self.stdout.write("komopay_changes handles changes")
        with worker:
            while not stop.wait(interval):
                # If something from outside its function has ended it.
                worker.start()
        self.stdout.write("komopay_changes has ended")

    def _once(self, worker: ChangeWorker, stop: threading.Event) -> None:
        try:
            handled, failed = worker.run_once(stop)
        except KomopayError as error:
            raise CommandError(f"changes cannot be taken: {error}") from None
        self.stdout.write(f"komopay_changes has handled {handled}")
        if failed:
            raise CommandError(f"{failed} could not be handled, and are given again when their lease is over")


def _stopped() -> threading.Event:
    """Is set by a first signal that ends programs; a second one ends this one at once."""
    stop = threading.Event()

    def end(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # pyright: ignore[reportUnusedCallResult]

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            _ = signal.signal(number, end)
    return stop
