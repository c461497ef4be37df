"""A store of changes in PostgreSQL: several hosts, each a process of its own, with one store between them."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import documented_request
from gateway import CALLBACK_KEY
from postgres import Server
from programs import EXAMPLES, App
from test_adapters import signed

from komopay import (
    BankAccount,
    BankTransfer,
    ConfigurationError,
    KomopayError,
    Money,
    PayoutRequest,
    PostgresChangeStore,
    UnavailableError,
)
from komopay.testing import Sandbox

CANARY = "canary-password"


class Host:
    """A receiver with FastAPI, in a process of its own."""

    def __init__(self, sandbox: Sandbox, database: str, folder: Path, **environment: str) -> None:
        folder.mkdir()
        self.handled = folder / "handled"
        self.handled.touch()
        self.token = folder / "die"
        known = {"DIE_AT": "nowhere", "DIE_ONCE": str(self.token), "HANDLED": str(self.handled), "SHOP_LEASE": "60"}
        command = ["-m", "uvicorn", "dying:app", "--port", "PORT", "--app-dir", str(Path(__file__).parent)]
        self.app = App(command, folder, {**sandbox.environment, **known, "SHOP_CHANGES": database, **environment})

    def lines(self) -> list[str]:
        return self.handled.read_text().splitlines()


def pay(sandbox: Sandbox, payout_id: str, callback_url: str) -> None:
    method = BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344"))
    with sandbox.client() as client:
        request = PayoutRequest(money=Money("10000", "IDR"), method=method, callback_url=callback_url)
        client.create_payout(payout_id, request)


def unacknowledged(database: str) -> int:
    with psycopg.connect(database) as store:
        row = store.execute("SELECT count(*) FROM komopay.komopay_changes WHERE acknowledged = 0").fetchone()
    assert row is not None
    return int(row[0])


def test_of_two_hosts_with_one_store_each_change_is_handled_by_one(database: str, tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        hosts = [Host(sandbox, database, tmp_path / name) for name in ("first", "second")]
        ids = [f"TST-{number}" for number in range(12)]
        with hosts[0].app, hosts[1].app:
            for number, payout_id in enumerate(ids):
                pay(sandbox, payout_id, signed(hosts[number % 2].app, sandbox, payout_id))
            assert sandbox.wait_for_deliveries()
            # The other host is told as well, and then of a correction.
            for number, payout_id in enumerate(ids):
                other = hosts[(number + 1) % 2].app
                assert sandbox.forge_callback(payout_id, signed(other, sandbox, payout_id)).http_status == 200
            for number, payout_id in enumerate(ids):
                sandbox.change_status(payout_id, "FAILED", "SYSTEM")
                other = hosts[(number + 1) % 2].app
                assert sandbox.forge_callback(payout_id, signed(other, sandbox, payout_id)).http_status == 200
            assert sandbox.wait_for_deliveries()
            wait_until_all_is_handled(database)
        lines = sorted(hosts[0].lines() + hosts[1].lines())
    assert lines == sorted([f"{name} 1 SUCCESS" for name in ids] + [f"{name} 2 FAILED" for name in ids])


def wait_until_all_is_handled(database: str) -> None:
    for _ in range(600):
        if unacknowledged(database) == 0:
            return
        threading.Event().wait(0.05)
    raise AssertionError("changes are left")


@pytest.mark.parametrize("place", ["taken", "on_change", "handled"])
def test_what_a_killed_host_had_is_handled_by_the_other(place: str, database: str, tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        first = Host(sandbox, database, tmp_path / "first", DIE_AT=place, SHOP_LEASE="1")
        first.token.touch()
        second = Host(sandbox, database, tmp_path / "second", SHOP_LEASE="1")
        first.app.start()
        pay(sandbox, "TST-1", signed(first.app, sandbox, "TST-1"))
        first.app.wait_until_dead()
        with second.app:
            second.app.wait_for("change 1 of TST-1: SUCCESS")
            wait_until_all_is_handled(database)
        assert second.lines() == ["TST-1 1 SUCCESS"]
        assert first.lines() == ([] if place == "taken" else ["TST-1 1 SUCCESS"])


def test_django_takes_the_url_where_it_takes_a_path(database: str, tmp_path: Path) -> None:
    command = ["-m", "gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "2", "--threads", "2", "shop.wsgi"]
    with Sandbox() as sandbox:
        environment = {**sandbox.environment, "SHOP_CHANGES": database, "SHOP_HANDLE_IN_WEB": "1"}
        with App(command, EXAMPLES / "callbacks_django", environment) as app:
            pay(sandbox, "TST-1", signed(app, sandbox, "TST-1"))
            app.wait_for("change 1 of TST-1: SUCCESS")
    program = "import django; django.setup(); import komopay.django; komopay.django.client()"
    environment |= {"SHOP_CHANGES": f"postgresql://owner:{CANARY}@127.0.0.1:1/shop", "SHOP_SECRET_KEY": "of the tests"}
    environment |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": "."}
    for wrong, told in [
        (environment, "komopay.errors.UnavailableError: change_store: cannot be opened: "),
        ({**environment, "SHOP_CHANGES": f"postgresql://owner:{CANARY}@127.0.0.1/shop?sslmode=prefer"},
         'settings.KOMOPAY["change_store"] cannot be opened: '),
    ]:
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=EXAMPLES / "callbacks_django",
            env={**os.environ, **wrong, "KOMOPAY_CALLBACK_KEYS": CALLBACK_KEY},
            capture_output=True, text=True, timeout=60,
        )
        assert told in run.stderr and CANARY not in run.stdout + run.stderr, run.stderr


def wrong_urls(server: Server) -> list[tuple[str, type[KomopayError], str]]:
    place = server.url.split("@")[1].split("/")[0]
    return [
        ("changes.sqlite", ConfigurationError, "has to be postgresql://USER:PASSWORD@HOST/DATABASE"),
        (f"mysql://owner:{CANARY}@{place}/shop", ConfigurationError, "has to be postgresql://"),
        (f"postgresql://owner:{CANARY}@{place}/nowhere", ConfigurationError, 'database "nowhere" does not exist'),
        (f"postgresql://nobody:{CANARY}@{place}/postgres", ConfigurationError, "refused the user or the password"),
        (f"postgresql://owner:{CANARY}@{place}/postgres?sslmode=prefer", ConfigurationError, "sslmode"),
        (f"postgresql://owner:{CANARY}@{place}:port/postgres", ConfigurationError, ""),
        (f"postgresql://owner:{CANARY}@127.0.0.1:1/postgres", UnavailableError, "the database"),
    ]


def test_what_will_not_do_is_told_by_the_name_of_the_setting_and_shows_no_password(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for url, kind, says in wrong_urls(server):
        with pytest.raises(kind) as refused:
            PostgresChangeStore(url)
        error = refused.value
        assert (error.field, error.message.startswith("change_store: cannot be opened: ")) == ("change_store", True)
        assert says in error.message, error.message
        # The test's own frame holds the URL.
        shown = "".join([repr(error), repr(vars(error)), *traceback.format_exception_only(error)])
        assert CANARY not in shown
    with pytest.raises(ConfigurationError, match="url: must be a str, not int"):
        PostgresChangeStore(7)  # type: ignore[arg-type]
    assert CANARY not in caplog.text


def test_a_store_shows_where_it_is_and_nothing_of_its_user(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Sandbox() as sandbox:
        store = PostgresChangeStore(database.replace("owner@", f"owner:{CANARY}@"))
        place = database.split("@")[1]
        assert repr(store) == str(store) == f"PostgresChangeStore('postgresql://{place}')"
        with pytest.raises(TypeError, match="holds a password and cannot be pickled or copied"):
            pickle.dumps(store)
        with sandbox.client(change_store=store) as client:
            assert client.take_changes() == []
            assert CANARY not in repr(client) + repr(client.settings)
    assert "the store of changes in PostgreSQL now belongs to base_url=" in caplog.text
    assert CANARY not in caplog.text


def test_a_server_that_is_away_is_no_success_and_is_found_again(tmp_path: Path) -> None:
    with Server() as server, Sandbox() as sandbox:
        store = PostgresChangeStore(server.url)
        settings: Any = {"callback_keys": [CALLBACK_KEY], "change_store": store, "read_attempts": 1}
        with sandbox.client(**settings) as client:
            client.create_payout("TST-1", documented_request())
            url, body = client.callback_url("https://shop.example", "TST-1"), b'{"idEntity": "TST-1"}'
            client.handle_callback(body, url)
            assert len(client.take_changes()) == 1
            server.stop()
            sandbox.change_status("TST-1", "FAILED", "SYSTEM")
            with pytest.raises(UnavailableError) as away:
                client.handle_callback(body, url)
            assert (away.value.field, away.value.callback_status) == ("change_store", 503)
            # A client that is made now may be made later.
            with pytest.raises(UnavailableError) as away:
                sandbox.client(**settings)
            assert away.value.field == "change_store"
            server.start()
            client.handle_callback(body, url)
            client.acknowledge_change("TST-1", 1)
            assert [change.payout.status for change in client.take_changes()] == ["FAILED"]
