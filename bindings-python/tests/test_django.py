"""The app for Django: its settings, its view, and its command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import KEY, App
from test_adapters import pay

from komopay import BankAccount, BankTransfer, Money, PayoutRequest, SqliteChangeStore
from komopay.testing import Sandbox

HERE = Path(__file__).parent


@pytest.fixture
def platform() -> Iterator[Sandbox]:
    with Sandbox() as platform:
        yield platform


class Project:
    """A project with these settings of the app."""

    def __init__(self, platform: Sandbox, folder: Path, **given: Any) -> None:
        self.platform = platform
        store = {"change_store": str(folder / "changes.sqlite"), "change_lease": 3}
        self.given = {**store, "HANDLER": "django_app.on_change", **given}
        self.environment = {**platform.environment, "KOMOPAY_CALLBACK_KEYS": KEY}

    def variables(self) -> dict[str, str]:
        given = json.dumps(self.given)
        return {**os.environ, **self.environment, "KOMOPAY_SETTINGS": given, "PYTHONUNBUFFERED": "1"}

    def run(self, *command: str) -> tuple[int, str]:
        """Its exit code, and what it wrote."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "django_app.py", *command],
            cwd=HERE, env=self.variables(), capture_output=True, text=True, timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    def app(self, *command: str) -> App:
        """A process of it that serves nothing."""
        return Command(["django_app.py", *command], HERE, self.variables())

    def see(self, payout_id: str) -> None:
        """A change of this payout, which is SUCCESS, is in the store."""
        store = SqliteChangeStore(self.given["change_store"])
        method = BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344"))
        with self.platform.client(change_store=store) as client:
            client.create_payout(payout_id, PayoutRequest(money=Money("10000", "IDR"), method=method))
            client.get_payout(payout_id)


class Command(App):
    def _wait_until_there(self) -> None:
        self.wait_for("komopay_changes handles changes")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"handler": "a.b"}, 'settings.KOMOPAY["handler"] is no setting; did you mean "HANDLER"?'),
    ({"timeout": 1}, 'settings.KOMOPAY["timeout"] is no setting; did you mean "total_timeout"?'),
    ({"xyz": 1}, 'settings.KOMOPAY["xyz"] is no setting; there is HANDLER, HANDLE_IN_WEB, attempt_timeout, '),
    ({"total_timeout": "soon"}, 'settings.KOMOPAY["total_timeout"] must be a number of seconds or a timedelta, not s'),
    ({"total_timeout": 0}, 'settings.KOMOPAY["total_timeout"] must be at least 1 ms'),
    ({"callback_keys": ["short"]}, 'settings.KOMOPAY["callback_keys"] '),
    (
        {"change_store": 7},
        'settings.KOMOPAY["change_store"] must be a MemoryChangeStore, a SqliteChangeStore or a PostgresChangeStore, ',
    ),
    ({"change_store": None}, 'settings.KOMOPAY["change_lease"] does nothing without a change_store'),
    ({"merchant_code": "M"}, ""),
    ({"HANDLE_IN_WEB": 1}, 'settings.KOMOPAY["HANDLE_IN_WEB"] must be True or False, not int'),
    ({"HANDLER": 7}, 'settings.KOMOPAY["HANDLER"] must be the dotted path of a function, not int'),
    ({"HANDLER": "shop.nothing"}, "settings.KOMOPAY[\"HANDLER\"] cannot be imported: No module named 'shop'"),
    ({"HANDLER": "django_app.nothing"}, 'settings.KOMOPAY["HANDLER"] cannot be imported: '),
    ({"HANDLER": "django_app.NO_FUNCTION"}, 'settings.KOMOPAY["HANDLER"] is "django_app.NO_FUNCTION", and on_change '),
]


def test_what_is_set_wrong_is_found_by_check_which_needs_no_credentials(platform: Sandbox, tmp_path: Path) -> None:
    project = Project(platform, tmp_path)
    # As where an image is built.
    project.environment = {}
    assert project.run("check")[0] == 0
    right = project.given
    for wrong, told in WRONG:
        project.given = {**right, **wrong}
        code, said = project.run("check")
        assert told in said.replace("\n", " "), (wrong, said)
        assert (code != 0) == bool(told), (wrong, said)
    project.given = right
    code, said = project.run("check", "--deploy", "--tag", "komopay")
    assert code != 0 and 'settings.KOMOPAY["base_url"] is missing: set it, or the environment variable' in said, said


def test_a_setting_that_is_no_dict_is_refused(platform: Sandbox, tmp_path: Path) -> None:
    project = Project(platform, tmp_path)
    project.given = []  # type: ignore[assignment]
    code, said = project.run("check")
    assert code != 0 and "settings.KOMOPAY must be a dict of settings, not list" in said
    code, said = project.run("komopay_changes", "--once", "--skip-checks")
    assert code != 0 and said.startswith("CommandError: settings.KOMOPAY must be a dict"), said


def test_the_command_handles_what_is_there_and_ends_with_once(platform: Sandbox, tmp_path: Path) -> None:
    for payout_id, handler in (("TST-1", "on_change"), ("TST-2", "on_change_async")):
        project = Project(platform, tmp_path, HANDLER=f"django_app.{handler}")
        assert project.run("komopay_changes", "--once") == (0, "komopay_changes has handled 0\n")
        project.see(payout_id)
        project.environment["FAILING"] = payout_id
        code, said = project.run("komopay_changes", "--once")
        assert code == 1
        assert said.splitlines()[-1].startswith("CommandError: 1 could not be handled, and are given again when")
        del project.environment["FAILING"]
        while (ended := project.run("komopay_changes", "--once")) == (0, "komopay_changes has handled 0\n"):
            pass
        assert ended == (0, f"change 1 of {payout_id}: SUCCESS\nkomopay_changes has handled 1\n")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_command_runs_until_it_is_told_to_end(platform: Sandbox, tmp_path: Path, how: signal.Signals) -> None:
    project = Project(platform, tmp_path)
    project.see("TST-1")
    with project.app("komopay_changes", "--interval", "0.05") as app:
        app.wait_for("change 1 of TST-1: SUCCESS")
        assert app.stop(how) == 0
    assert app.lines[-1] == "komopay_changes has ended" and "Traceback" not in "".join(app.lines)


def test_what_the_command_cannot_do_without_is_told_in_one_line(platform: Sandbox, tmp_path: Path) -> None:
    project = Project(platform, tmp_path)
    for missing, told in [
        ("KOMOPAY_SECRET", 'settings.KOMOPAY["secret"] is missing: set it, or the environment variable KOMOPAY_SECRET'),
    ]:
        environment, project.environment = project.environment, {**project.environment}
        del project.environment[missing]
        assert project.run("komopay_changes") == (1, f"CommandError: {told}\n")
        project.environment = environment
    del project.given["HANDLER"]
    code, said = project.run("komopay_changes")
    assert code == 1 and said.startswith('CommandError: settings.KOMOPAY["HANDLER"] is missing: give the dotted path')
    project.given["HANDLER"] = "django_app.on_change"
    code, said = project.run("komopay_changes", "--interval", "0")
    assert (code, said) == (1, "CommandError: interval must be a number of seconds above 0\n")


def test_migrations_and_other_commands_need_no_credentials_and_find_nothing_to_do(
    platform: Sandbox, tmp_path: Path
) -> None:
    project = Project(platform, tmp_path)
    project.environment = {}
    assert project.run("makemigrations", "--check", "komopay")[0] == 0
    assert not (tmp_path / "changes.sqlite").exists()


IN_PROCESS = """
import json, os
import django_app
import django
from django.test import Client as Browser, override_settings
django.setup()
import komopay.django
from komopay import AsyncClient
client = komopay.django.client()
assert komopay.django.client() is client
looped = komopay.django.async_client()
assert isinstance(looped, AsyncClient) and komopay.django.async_client() is looped
path = client.callback_url("https://shop.example/", "TST-1").removeprefix("https://shop.example")
told = [Browser().post(path, {"idEntity": "TST-1"}, content_type="application/json").status_code]
told.append(Browser().post("/1.0." + "A" * 43, {"idEntity": "TST-1"}, content_type="application/json").status_code)
told.append(Browser().get(path).status_code)
with override_settings(KOMOPAY={**django_app.given, "total_timeout": 60}):
    assert komopay.django.client() is not client
print(told, len(komopay.django.client().take_changes()))
"""


def test_there_is_one_client_for_a_process_and_callbacks_only_record_where_the_command_handles(
    platform: Sandbox, tmp_path: Path
) -> None:
    project = Project(platform, tmp_path)
    pay(platform, "https://shop.example/")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IN_PROCESS],
        cwd=HERE, env=project.variables(), capture_output=True, text=True, timeout=60,
    )
    assert (done.stdout, done.returncode) == ("[200, 403, 405] 1\n", 0), done.stderr
