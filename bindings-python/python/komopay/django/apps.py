"""The app, which adds its checks to Django's."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from komopay.django._settings import Problem, missing, problems

__all__ = ["KomopayConfig"]


class KomopayConfig(AppConfig):
    """`INSTALLED_APPS = [..., "komopay.django"]`."""

    name = "komopay.django"
    label = "komopay"
    verbose_name = "KomoPay"

    def ready(self) -> None:
        """Registers the checks of the settings."""
        _ = checks.register(_check, "komopay")
        _ = checks.register(_check_deployed, "komopay", deploy=True)


def _check(**_: object) -> list[checks.CheckMessage]:
    return [_told(problem, "komopay.E001") for problem in problems()]


def _check_deployed(**_: object) -> list[checks.CheckMessage]:
    return [] if problems() else [_told(problem, "komopay.E002") for problem in missing()]


def _told(problem: Problem, number: str) -> checks.CheckMessage:
    hint = "Its settings are in `help(komopay.django)` and `help(komopay.Client)`."
    return checks.Error(str(problem), hint=hint, id=number)
