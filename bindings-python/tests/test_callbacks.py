"""Callbacks through both clients: signed URLs, reading, handling, changes and their stores."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import documented_request, new_async_client, new_client, new_store
from gateway import CALLBACK_KEY, MERCHANT_CODE, SECRET, Sandbox

from komopay import (
    AsyncClient,
    Callback,
    Client,
    ConfigurationError,
    InvalidCallbackError,
    InvalidRequestError,
    KomopayError,
    MemoryChangeStore,
    NotFoundError,
    Payout,
    PayoutChange,
    SqliteChangeStore,
    UnavailableError,
)

KEY = CALLBACK_KEY
OTHER_KEY = "another key of theirs, also long enough"
BASE = "https://shop.example/hook"


def body(payout_id: str = "TST-1") -> bytes:
    return json.dumps({"idEntity": payout_id}).encode()


@pytest.fixture
def signing(sandbox: Sandbox) -> Iterator[Client]:
    with new_client(sandbox, callback_keys=[KEY], change_store=MemoryChangeStore()) as client:
        yield client


def pay(client: Client, payout_id: str = "TST-1") -> Payout:
    client.create_payout(payout_id, documented_request())
    return client.wait_for_payout(payout_id, timeout=20)


@pytest.mark.parametrize("place", ["path", "query"])
def test_a_signed_url_is_read_for_its_payout_and_for_no_other(signing: Client, place: Any) -> None:
    url = signing.callback_url(BASE, "TST-1", place=place)
    assert url.startswith(BASE + ("/1.0." if place == "path" else "?komopay=1.0."))
    assert signing.read_callback(body(), url) == Callback(payout_id="TST-1", verified=True)
    # Proxies rewrite hosts and paths; what a framework gives may begin at the path.
    assert signing.read_callback(body(), url.replace("https://shop.example", "/inner")).verified
    with pytest.raises(InvalidCallbackError) as refused:
        signing.read_callback(body("TST-2"), url)
    assert (refused.value.field, refused.value.callback_status, refused.value.retryable) == ("signature", 403, False)


def test_a_url_ends_when_it_says(signing: Client) -> None:
    soon = datetime.now(timezone(timedelta(hours=7))) + timedelta(hours=1)
    url = signing.callback_url(BASE, "TST-1", expires_at=soon)
    assert f"/1.{int(soon.timestamp())}." in url
    assert signing.read_callback(body(), url).verified
    with pytest.raises(InvalidRequestError) as over:
        signing.callback_url(BASE, "TST-1", expires_at=soon - timedelta(hours=2))
    assert over.value.field == "expires_at"
    for wrong in (datetime(2999, 1, 1), "tomorrow", 3600):
        with pytest.raises(InvalidRequestError, match="expires_at: must (be a datetime with|have) a time zone"):
            signing.callback_url(BASE, "TST-1", expires_at=wrong)  # type: ignore[arg-type]


def test_keys_rotate(sandbox: Sandbox) -> None:
    with (
        new_client(sandbox, callback_keys=[KEY]) as before,
        new_client(sandbox, callback_keys=(OTHER_KEY, KEY)) as after,
    ):
        old, new = before.callback_url(BASE, "TST-1"), after.callback_url(BASE, "TST-1")
        assert old != new
        assert after.read_callback(body(), old).verified and after.read_callback(body(), new).verified
        with pytest.raises(InvalidCallbackError):
            before.read_callback(body(), new)


def test_without_keys_a_callback_is_read_but_not_verified_nor_handled(client: Client) -> None:
    assert client.read_callback(body(), "/hook") == Callback(payout_id="TST-1", verified=False)
    for call in (lambda: client.callback_url(BASE, "TST-1"), lambda: client.handle_callback(body(), "/hook")):
        with pytest.raises(ConfigurationError) as refused:
            call()
        assert (refused.value.field, refused.value.callback_status) == ("callback_keys", 500)


@pytest.mark.parametrize(
    ("given", "field", "status"),
    [
        (b"", "body", 400),
        (b"\xff", "body", 400),
        (b"[]", "body", 400),
        (b'{"idEntity": "no such id!"}', "body", 400),
        (b'{"idEntity": "TST-1", "idEntity": "TST-2"}', "body", 400),
        (b" " * (10 << 20), "body_size", 413),
    ],
)
def test_a_body_that_is_none_is_refused(signing: Client, given: bytes, field: str, status: int) -> None:
    with pytest.raises(InvalidCallbackError) as refused:
        signing.read_callback(given, signing.callback_url(BASE, "TST-1"))
    assert (refused.value.field, refused.value.callback_status) == (field, status)


def test_the_raw_body_is_wanted(signing: Client) -> None:
    url = signing.callback_url(BASE, "TST-1")
    for parsed in ({"idEntity": "TST-1"}, bytearray(body()), '{"idEntity": "TST-1"}', None):
        with pytest.raises(InvalidCallbackError, match="body: must be bytes, not ") as refused:
            signing.read_callback(parsed, url)  # type: ignore[arg-type]
        assert (refused.value.field, refused.value.callback_status) == ("body", 400)


@pytest.mark.parametrize(
    ("wrong", "kind", "field"),
    [
        ({"callback_keys": ["short"]}, ConfigurationError, "callback_keys"),
        ({"callback_keys": [SECRET.ljust(40, "x")[:31]]}, ConfigurationError, "callback_keys"),
        ({"callback_keys": [KEY] * 9}, ConfigurationError, "callback_keys"),
        ({"callback_keys": KEY}, ConfigurationError, "callback_keys"),
        ({"callback_keys": [KEY.encode()]}, ConfigurationError, "callback_keys"),
        ({"change_lease": 0}, ConfigurationError, "change_lease"),
        ({"change_store": "changes.sqlite"}, ConfigurationError, "change_store"),
        ({"change_store": {}}, ConfigurationError, "change_store"),
    ],
)
def test_settings_that_cannot_be_used(sandbox: Sandbox, wrong: Any, kind: type[Exception], field: str | None) -> None:
    with pytest.raises(kind) as refused:
        new_client(sandbox, **wrong)
    assert getattr(refused.value, "field", None) == field
    assert KEY not in str(refused.value)
    if "change_store" in wrong:
        assert "MemoryChangeStore, a SqliteChangeStore or a PostgresChangeStore" in str(refused.value)


def test_a_key_shows_nowhere(sandbox: Sandbox) -> None:
    with new_client(sandbox, callback_keys=[KEY]) as client:
        assert KEY not in repr(client) + str(vars(type(client)))


def test_keys_from_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in sandbox.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("KOMOPAY_CALLBACK_KEYS", f"{KEY.replace(',', '')},{OTHER_KEY.replace(',', '')}")
    keys = [KEY.replace(",", ""), OTHER_KEY.replace(",", "")]
    with Client.from_env() as client, new_client(sandbox, callback_keys=keys[::-1]) as other:
        assert client.read_callback(body(), other.callback_url(BASE, "TST-1")).verified
        assert client.callback_url(BASE, "TST-1") != other.callback_url(BASE, "TST-1")
    with Client.from_env(callback_keys=[OTHER_KEY]) as client, new_client(sandbox, callback_keys=[OTHER_KEY]) as other:
        assert client.callback_url(BASE, "TST-1") == other.callback_url(BASE, "TST-1")
    monkeypatch.setenv("KOMOPAY_CALLBACK_KEYS", f"{keys[0]},")
    with pytest.raises(ConfigurationError) as refused:
        Client.from_env()
    assert refused.value.field == "callback_keys"
    monkeypatch.setenv("KOMOPAY_CALLBACK_KEYS", "")
    with Client.from_env() as client:
        assert not client.read_callback(body(), "/hook").verified


def test_a_callback_is_handled_by_reading_and_its_change_is_taken_once(sandbox: Sandbox, signing: Client) -> None:
    pay(signing)
    url = signing.callback_url(BASE, "TST-1")
    signing.acknowledge_change("TST-1", 1)
    signing.acknowledge_change("TST-1", 2)
    sandbox.control("POST", "payouts/TST-1/status", {"status": "FAILED", "failure_reason": "SYSTEM"})
    payout = signing.handle_callback(body(), url)
    assert payout.status == "FAILED"
    assert signing.handle_callback(body(), url) == payout
    (change,) = signing.take_changes(limit=5)
    assert (change.payout_id, change.payout) == ("TST-1", payout)
    assert (change.previous_status, change.is_correction) == ("SUCCESS", True)
    assert signing.take_changes() == []
    signing.acknowledge_change(change.payout_id, change.sequence)
    signing.acknowledge_change(change.payout_id, change.sequence)


def test_what_is_not_acknowledged_comes_again_after_the_lease(sandbox: Sandbox) -> None:
    with new_client(sandbox, callback_keys=[KEY], change_store=MemoryChangeStore(), change_lease=0.001) as client:
        pay(client)
        (first,) = client.take_changes(limit=1)
        again: list[PayoutChange] = []
        while not again:
            again = client.take_changes(limit=1)
        assert again == [first]
        client.acknowledge_change(first.payout_id, first.sequence)
        assert client.take_changes(limit=1) != [first]


def test_forged_callbacks_make_no_request(sandbox: Sandbox, signing: Client) -> None:
    for url in (BASE, signing.callback_url(BASE, "TST-2"), BASE + "/1.0." + "A" * 43):
        with pytest.raises(InvalidCallbackError):
            signing.handle_callback(body(), url)
    assert sandbox.control("GET", "calls")["get_payout"] == 0


def test_what_the_platform_does_not_know_yet_is_answered_with_503(signing: Client) -> None:
    with pytest.raises(NotFoundError) as unknown:
        signing.handle_callback(body("TST-0"), signing.callback_url(BASE, "TST-0"))
    assert (unknown.value.http_status, unknown.value.callback_status) == (410, 503)


def test_an_exception_of_our_own_is_no_success() -> None:
    error = pickle.loads(pickle.dumps(KomopayError("mine")))
    assert error.callback_status == 500
    assert pickle.loads(pickle.dumps(KomopayError("mine", callback_status=403))).callback_status == 403


@pytest.mark.parametrize(("call", "kind"), [("take", "limit"), ("acknowledge", "sequence")])
def test_numbers_are_whole(signing: Client, call: str, kind: str) -> None:
    def do(number: Any) -> None:
        if call == "take":
            signing.take_changes(limit=number)
        else:
            signing.acknowledge_change("TST-1", number)

    for wrong in ("1", 1.0, True, None if call == "acknowledge" else "x"):
        with pytest.raises(InvalidRequestError, match="must be an int, not ") as mistyped:
            do(wrong)
        assert mistyped.value.field == kind
    with pytest.raises(InvalidRequestError) as refused:
        do(-1)
    assert refused.value.field == kind


def test_changes_need_a_store(client: Client) -> None:
    for call in (client.take_changes, lambda: client.acknowledge_change("TST-1", 1)):
        with pytest.raises(ConfigurationError) as refused:
            call()
        assert refused.value.field == "change_store"


def test_values_compare_match_and_pickle(signing: Client) -> None:
    pay(signing)
    (change,) = signing.take_changes(limit=1)
    callback = Callback(payout_id="TST-1", verified=True)
    for value in (change, callback):
        copy = pickle.loads(pickle.dumps(value))
        assert copy == value and hash(copy) == hash(value) and repr(copy) == repr(value)
    match change, callback:
        case PayoutChange("TST-1", sequence, Payout("TST-1")), Callback("TST-1", True):
            assert sequence == change.sequence
        case _:
            pytest.fail("no match")
    assert "raw" not in repr(change) and "sequence=" in repr(change)
    with pytest.raises(AttributeError):
        change.sequence = 7  # type: ignore[misc]


async def of_async(client: AsyncClient) -> None:
    url = client.callback_url(BASE, "TST-1", place="query")
    assert client.read_callback(body(), url).verified
    with pytest.raises(InvalidCallbackError):
        client.read_callback(body("TST-2"), url)
    await client.create_payout("TST-1", documented_request())
    await client.wait_for_payout("TST-1", timeout=20)
    payouts = await asyncio.gather(*(client.handle_callback(body(), url) for _ in range(20)))
    assert {payout.status for payout in payouts} == {"SUCCESS"}
    seen = []
    while changes := await client.take_changes(limit=10):
        for change in changes:
            seen.append((change.sequence, change.payout.status))
            await client.acknowledge_change(change.payout_id, change.sequence)
    assert seen[-1][1] == "SUCCESS" and [number for number, _ in seen] == list(range(1, len(seen) + 1))
    with pytest.raises(InvalidCallbackError):
        await client.handle_callback(body("TST-2"), url)


def test_the_same_for_asyncio(sandbox: Sandbox) -> None:
    async def run() -> None:
        async with new_async_client(sandbox, callback_keys=[KEY], change_store=MemoryChangeStore()) as client:
            await of_async(client)

    asyncio.run(run())


def test_changes_in_a_file_outlive_the_client_and_are_for_their_owner(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "changes.sqlite"
    store = SqliteChangeStore(file)
    with new_client(sandbox, callback_keys=[KEY], change_store=store) as client:
        pay(client)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert store.path == str(file) and repr(store) == f"SqliteChangeStore({str(file)!r})"
    with new_client(sandbox, change_store=pickle.loads(pickle.dumps(store))) as later:
        (change,) = later.take_changes(limit=1)
        assert change.payout_id == "TST-1"


def test_a_memory_store_is_of_one_process() -> None:
    with pytest.raises(TypeError, match="SqliteChangeStore"):
        pickle.dumps(MemoryChangeStore())


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    strange = tmp_path / "strange.sqlite"
    connection = sqlite3.connect(strange)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    (tmp_path / "text").write_text("no database, and longer than a header of one" * 10)
    for file in (strange, tmp_path / "text"):
        file.chmod(0o600)
    for path in (tmp_path / "nowhere" / "changes.sqlite", tmp_path, strange, tmp_path / "text"):
        with pytest.raises(ConfigurationError) as refused:
            SqliteChangeStore(path)
        assert refused.value.field == "change_store"
    with pytest.raises(ConfigurationError, match="path: must be a path, as a str or a pathlib.Path, not int"):
        SqliteChangeStore(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["rights", "log", "link", "folder", "user"])
def test_a_file_that_others_could_have_written_is_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(0o700)
    path = folder / "changes.sqlite"
    SqliteChangeStore(path)
    hint = "chmod o= "
    if kind == "rights":
        path.chmod(0o666)
    elif kind == "log":
        Path(f"{path}-wal").touch()
        Path(f"{path}-wal").chmod(0o602)
    elif kind == "link":
        path, hint = folder / "link", "symbolic link"
        path.symlink_to(folder / "changes.sqlite")
    elif kind == "folder":
        folder.chmod(0o777)
        hint = "mkdir -m 700"
    elif os.geteuid() == 0:
        os.chown(path, 65534, -1)
        hint = "chown "
    else:
        # Only root may give a file away; this one is root's.
        path, hint = Path("/etc/passwd"), "chown "
    with pytest.raises(ConfigurationError) as refused:
        SqliteChangeStore(path)
    assert refused.value.field == "change_store" and hint in str(refused.value)


def test_rights_of_the_group_are_logged_once(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "changes.sqlite"
    SqliteChangeStore(path)
    path.chmod(0o660)
    for number in range(2):
        # The log has come when a call ends.
        with new_client(sandbox, change_store=SqliteChangeStore(path)) as client:
            client.create_payout(f"TST-{number}", documented_request())
    warned = [record for record in caplog.records if "its group may" in record.getMessage()]
    assert [record.levelname for record in warned] == ["WARNING"]


@pytest.mark.parametrize("kind", ["memory", "file", "server"])
def test_a_store_is_of_one_platform_merchant_and_mode(
    sandbox: Sandbox, request: pytest.FixtureRequest, kind: str
) -> None:
    store = new_store(kind, request)
    new_client(sandbox, change_store=store).close()
    new_client(sandbox, change_store=store).close()
    others: list[Callable[[], Client]] = [
        lambda: new_client(sandbox, change_store=store, is_test=True),
        lambda: Client(
            merchant_code=MERCHANT_CODE, secret=SECRET, base_url="https://other.example", change_store=store
        ),
        lambda: Client(merchant_code="OTHER", secret=SECRET, base_url=sandbox.url, change_store=store),
        lambda: Client(token="token", base_url=sandbox.url, change_store=store),
    ]
    for other in others:
        with pytest.raises(ConfigurationError) as refused:
            other()
        assert refused.value.field == "change_store"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_whose_file_was_replaced_by_another_clients_is_told_so(sandbox: Sandbox, tmp_path: Path) -> None:
    path, other = tmp_path / "changes.sqlite", tmp_path / "other.sqlite"
    Client(merchant_code="OTHER", secret=SECRET, base_url=sandbox.url, change_store=SqliteChangeStore(other)).close()
    with new_client(sandbox, change_store=SqliteChangeStore(path)) as client:
        # A fork closes it, and whoever uses it next opens it anew.
        process = os.fork()
        if process == 0:
            os._exit(0)
        os.waitpid(process, 0)
        other.replace(path)
        with pytest.raises(UnavailableError, match="belongs to another client"):
            client.take_changes()


def test_a_store_that_fails_is_no_success(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "changes.sqlite"
    with new_client(sandbox, callback_keys=[KEY], change_store=SqliteChangeStore(file), read_attempts=1) as client:
        client.create_payout("TST-1", documented_request())
        script = f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute('DROP TABLE changes'); c.commit()"
        subprocess.run([sys.executable, "-c", script], check=True)
        with pytest.raises(UnavailableError) as failed:
            client.handle_callback(body(), client.callback_url(BASE, "TST-1"))
        assert (failed.value.field, failed.value.callback_status) == ("change_store", 503)


@pytest.mark.parametrize("kind", ["memory", "file", "server"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_store_survives_a_fork(sandbox: Sandbox, request: pytest.FixtureRequest, kind: str) -> None:
    """The parent works with its store all the time; the child must neither hang nor see what is the parent's alone."""
    store = new_store(kind, request)
    with new_client(sandbox, callback_keys=[KEY], change_store=store, change_lease=0.001) as client:
        pay(client)
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                client.take_changes()

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        try:
            for _ in range(10):
                process = os.fork()
                if process == 0:
                    code = 1
                    try:
                        if kind == "memory":
                            code = 0 if client.take_changes() == [] else 2
                        else:
                            while not client.take_changes():
                                pass
                            code = 0
                    finally:
                        os._exit(code)
                assert os.waitpid(process, 0)[1] == 0
        finally:
            stop.set()
            for worker in workers:
                worker.join()


def test_a_fork_behind_pythons_back_is_told_where_a_file_is_opened(sandbox: Sandbox, tmp_path: Path) -> None:
    """Its SQLite would take no locks, since it believes that it has those of the parent."""
    store = SqliteChangeStore(tmp_path / "changes.sqlite")
    with new_client(sandbox, change_store=store) as client:
        client.take_changes()
        process = ctypes.PyDLL(None).fork()
        if process == 0:
            code = 1
            try:
                SqliteChangeStore(tmp_path / "changes.sqlite")
            except ConfigurationError as error:
                code = 0 if "forked" in str(error) else 2
            finally:
                os._exit(code)
        assert os.waitpid(process, 0)[1] == 0
    assert store.path == str(tmp_path / "changes.sqlite")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_takes_no_connection_to_the_file_along(sandbox: Sandbox, tmp_path: Path) -> None:
    """In a child, SQLite must hold its own locks: else the parent's last close deletes what the child has written."""
    file = tmp_path / "changes.sqlite"
    with new_client(sandbox, callback_keys=[KEY], change_store=SqliteChangeStore(file)) as client:
        pay(client)
        assert client.take_changes(limit=1)
        process = os.fork()
        if process == 0:
            links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
            opened = {os.readlink(link) for link in links if os.path.exists(link)}
            os._exit(1 if any(name.startswith(str(file)) for name in opened) else 0)
        assert os.waitpid(process, 0)[1] == 0
        client.acknowledge_change("TST-1", 1)
