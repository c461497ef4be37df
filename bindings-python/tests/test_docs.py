"""Every public item has an example that runs, and the stub tells what help() tells."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import documented_request, new_async_client, new_client
from gateway import Sandbox

import komopay
from komopay import aio, batches, catalogue, celery, errors, temporal, testing
from komopay.batches import codes, values

CODES = {name: getattr(codes, name) for name in codes.__all__}
GLOBALS = {name: getattr(komopay, name) for name in komopay.__all__} | CODES
GLOBALS |= {"asyncio": asyncio, "time": time, "timedelta": timedelta, "AsyncIterator": AsyncIterator}
GLOBALS |= {"BatchStatus": batches.BatchStatus}


def public() -> Iterator[tuple[str, object]]:
    """Everything a caller can call or catch, by its name."""
    yield "komopay", komopay
    yield "komopay.catalogue", catalogue
    yield "komopay.batches", batches
    yield "komopay.batches.values", values
    for item in (celery.register, temporal.BatchProgress, temporal.activities, temporal.schedule):
        yield f"{item.__module__}.{item.__qualname__}", item
    for name in batches.__all__:
        yield f"komopay.batches.{name}", getattr(batches, name)
    for of in (batches.Batches, batches.AsyncBatches, batches.Outbox):
        for member in vars(of):
            if not member.startswith("_") and callable(getattr(of, member)):
                yield f"komopay.batches.{of.__name__}.{member}", getattr(of, member)
    for name in komopay.__all__:
        item = getattr(komopay, name)
        if not inspect.isclass(item):
            continue
        yield name, item
        for member in vars(item):
            if not member.startswith("_") and callable(getattr(item, member)):
                yield f"{name}.{member}", getattr(item, member)


ITEMS = dict(public())


@pytest.fixture
def begun(request: pytest.FixtureRequest, name: str, sandbox: Sandbox, folder: Path) -> Iterator[dict[str, Any]]:
    """What the examples of methods of batches begin with, as the documentation of their classes says."""
    of = name.removeprefix("komopay.batches.").split(".")
    if of[0] not in ("Batches", "AsyncBatches", "Outbox") or len(of) == 1:
        yield {}
        return
    begun: dict[str, Any] = {"journal_key": batches.generate_journal_key()}
    journal, database = str(folder / "journal"), None
    if "outbox" in name.lower():
        database = journal = begun["database"] = request.getfixturevalue("database")
        with psycopg.connect(database) as connection:
            connection.execute("CREATE TABLE orders (number TEXT PRIMARY KEY, state TEXT)")
    payee = {"operator_code": "BNK_000", "account_name": "Siti Rahmawati", "account_number": "0123456789"}
    begun["employees"] = [
        {"id": "EMP-1", "amount": "250000", "currency": "IDR", **payee},
        {"id": "EMP-2", "amount": "300000", "currency": "IDR", **payee},
    ]
    with new_client(sandbox) as client, batches.Batches(
        client, journal=journal, journal_key=begun["journal_key"]
    ) as opened:
        begun |= {"client": client, "batches": opened, "request": documented_request()}
        begun["planned"] = opened.plan("payroll-2026-11", begun["employees"], maker="siti")
        if of[0] == "Outbox":
            digest = opened.open_outbox("refunds", maker="siti", ceilings={"IDR": (5_000_000, 100_000_000)})
            opened.approve("refunds", by="budi", digest=digest)
            opened.start("refunds", by="budi")
            begun["outbox"] = batches.Outbox("refunds", journal_key=begun["journal_key"])
        if of[0] != "AsyncBatches":
            yield begun
            return
    begun["client"] = looped = new_async_client(sandbox)
    begun["batches"] = batches.AsyncBatches(looped, journal=journal, journal_key=begun["journal_key"])
    yield begun
    asyncio.run(begun["batches"].close())
    asyncio.run(looped.close())


@pytest.mark.parametrize("name", ITEMS)
def test_the_example_of(
    name: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    begun: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    for variable, value in sandbox.environment.items():
        monkeypatch.setenv(variable, value)
    documentation = inspect.getdoc(ITEMS[name]) or ""
    if "SHOP_DATABASE" in documentation:
        monkeypatch.setenv("SHOP_DATABASE", request.getfixturevalue("database"))
    example = doctest.DocTestParser().get_doctest(documentation, GLOBALS | begun, name, None, None)
    assert example.examples, f"{name} has no example"
    report: list[str] = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not failed, "".join(report)


def stub() -> Iterator[tuple[str, str | None]]:
    """The documentation in the stub, by the name of the item."""
    tree = ast.parse((Path(komopay.__file__).parent / "_native.pyi").read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in komopay.__all__:
            yield node.name, ast.get_docstring(node)
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield f"{node.name}.{member.name}", ast.get_docstring(member)


STUB = dict(stub())


@pytest.mark.parametrize("name", STUB)
def test_the_stub_tells_what_help_tells_of(name: str) -> None:
    item: object = komopay
    for part in name.split("."):
        item = getattr(item, part)
    assert STUB[name] == inspect.getdoc(item)


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    names = {name for name in vars(komopay.Client) if not name.startswith("_")}
    assert names == {name for name in vars(aio.AsyncClient) if not name.startswith("_")}
    for name in names - {"from_env", "settings"}:
        assert parameters(komopay.Client, name) == parameters(aio.AsyncClient, name)


def parameters(client: type, method: str) -> list[tuple[str, object, object]]:
    _, *all_but_self = inspect.signature(getattr(client, method)).parameters.values()
    return [(each.name, each.kind, each.default) for each in all_but_self]


def test_every_error_says_what_it_means() -> None:
    for name in errors.__all__:
        assert inspect.getdoc(getattr(errors, name)), name
