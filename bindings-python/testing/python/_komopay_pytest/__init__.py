"""The pytest plugin of komopay: a stand-in gateway for each test that asks for one.

A package of its own, since pytest imports it at every start, also where no test needs komopay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from komopay import AsyncClient, Client
    from komopay.testing import Sandbox


@pytest.fixture
def komopay_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A fresh komopay.testing.Sandbox. If the test fails, its report shows what happened to the money."""
    from komopay.testing import Sandbox

    with Sandbox() as sandbox:
        yield sandbox
    ledger = "\n".join(str(entry) for entry in sandbox.ledger) or "nothing was executed"
    request.node.add_report_section("teardown", "komopay ledger", ledger)


@pytest.fixture
def komopay_client(komopay_sandbox: Sandbox) -> Iterator[Client]:
    """A komopay.Client of komopay_sandbox."""
    with komopay_sandbox.client() as client:
        yield client


@pytest.fixture
def komopay_async_client(komopay_sandbox: Sandbox) -> Iterator[AsyncClient]:
    """A komopay.AsyncClient of komopay_sandbox, for tests and fixtures of whatever plugin runs them in a loop.

    No async fixture, so that pytest-asyncio, anyio and others need not run it: a client is of no loop before it is
    used, and of any number of them. What is on the wire at the end of the test is waited for.
    """
    client = komopay_sandbox.async_client()
    yield client
    # Its loop may be closed by now: the client that it stands on needs none.
    client._client.close()
