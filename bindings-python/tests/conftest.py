"""Fixtures: a sandbox for each test, a client of it, and the documented request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gateway import MERCHANT_CODE, SECRET, Sandbox

from komopay import AsyncClient, BankAccount, BankTransfer, Client, Money, PayoutRequest


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with new_client(sandbox) as client:
        yield client


def new_client(sandbox: Sandbox, **settings: Any) -> Client:
    return Client(merchant_code=MERCHANT_CODE, secret=SECRET, base_url=sandbox.url, **settings)


def new_async_client(sandbox: Sandbox, **settings: Any) -> AsyncClient:
    return AsyncClient(merchant_code=MERCHANT_CODE, secret=SECRET, base_url=sandbox.url, **settings)


def documented_request(number: str = "11223344") -> PayoutRequest:
    return PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(
            operator_code="BNK_000",
            email_address="customer@test.com",
            account=BankAccount(name="Test account", number=number),
        ),
        callback_url="https://callback.example.com",
    )
