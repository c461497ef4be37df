"""One contestant: typed creates through one HTTP client, measured in a process of its own.

    python bench/contestants.py komopay --url http://127.0.0.1:8080 --calls 1000 [--in-flight 100]

All do the same work: build the documented request from typed values with an id of its own, send it with the
documented headers and a ready token, check the status, and read money and method from the answer as typed values.
Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-API-Version": "2",
    "Authorization": "Bearer ready-token",
}


@dataclass(frozen=True)
class Accepted:
    """What a peer's user would make of the answer."""

    amount: Decimal
    currency: str
    method_code: str


def body() -> bytes:
    """The documented request, as a user of a plain HTTP client builds it."""
    return json.dumps(
        {
            "paymentRequested": {"money": {"amount": 10000, "currencyCode": "IDR"}},
            "paymentMethod": {
                "paymentMethodCode": "BANK_TRANSFER",
                "account": {"accountName": "Test account", "accountNumber": "11223344"},
                "paymentOperatorCode": "BNK_000",
                "emailAddress": "customer@test.com",
            },
        }
    ).encode()


def accepted(status: int, content: bytes) -> Accepted:
    """The answer, checked and typed."""
    if status != 201:
        raise RuntimeError(f"answered {status}")
    answer = json.loads(content, parse_float=Decimal)
    money = answer["paymentRequested"]["money"]
    return Accepted(
        Decimal(money["amount"]), money["currencyCode"], answer["paymentMethodResponse"]["paymentMethodCode"]
    )


Sync = Callable[[str], object]
Async = Callable[[str], Awaitable[object]]


def komopay_request() -> object:
    """The documented request, as a user of this SDK builds it."""
    from komopay import BankAccount, BankTransfer, Money, PayoutRequest

    return PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(
            operator_code="BNK_000",
            email_address="customer@test.com",
            account=BankAccount(name="Test account", number="11223344"),
        ),
    )


def komopay(url: str) -> Sync:
    import komopay

    client = komopay.Client(base_url=url, token="ready-token")
    return lambda payout_id: client.create_payout(payout_id, komopay_request())


def requests(url: str) -> Sync:
    import requests

    session = requests.Session()
    session.headers.update(HEADERS)

    def call(payout_id: str) -> object:
        answer = session.post(f"{url}/payouts/{payout_id}", data=body())
        return accepted(answer.status_code, answer.content)

    return call


def httpx(url: str) -> Sync:
    import httpx

    client = httpx.Client(headers=HEADERS)

    def call(payout_id: str) -> object:
        answer = client.post(f"{url}/payouts/{payout_id}", content=body())
        return accepted(answer.status_code, answer.content)

    return call


def pyreqwest(url: str) -> Sync:
    from pyreqwest.client import SyncClientBuilder

    client = SyncClientBuilder().default_headers(HEADERS).build()

    def call(payout_id: str) -> object:
        answer = client.post(f"{url}/payouts/{payout_id}").body_bytes(body()).build().send()
        return accepted(answer.status, bytes(answer.bytes()))

    return call


def primp(url: str) -> Sync:
    import primp

    client = primp.Client(headers=HEADERS)

    def call(payout_id: str) -> object:
        answer = client.post(f"{url}/payouts/{payout_id}", content=body())
        return accepted(answer.status_code, answer.content)

    return call


async def komopay_async(url: str) -> Async:
    import komopay

    client = komopay.AsyncClient(base_url=url, token="ready-token")
    return lambda payout_id: client.create_payout(payout_id, komopay_request())


async def aiohttp(url: str) -> Async:
    import aiohttp

    session = aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=0))

    async def call(payout_id: str) -> object:
        async with session.post(f"{url}/payouts/{payout_id}", data=body()) as answer:
            return accepted(answer.status, await answer.read())

    return call


async def pyreqwest_async(url: str) -> Async:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().default_headers(HEADERS).build()

    async def call(payout_id: str) -> object:
        answer = await client.post(f"{url}/payouts/{payout_id}").body_bytes(body()).build().send()
        return accepted(answer.status, bytes(await answer.bytes()))

    return call


SYNC = {f.__name__: f for f in (komopay, requests, httpx, pyreqwest, primp)}
ASYNC = {f.__name__: f for f in (komopay_async, aiohttp, pyreqwest_async)}


class Stretch:
    """A stretch of calls, and what the process used for it."""

    def __init__(self) -> None:
        self.before = resource.getrusage(resource.RUSAGE_SELF)
        self.started = time.perf_counter()

    def end(self, calls: int) -> str:
        """The line that a contestant prints."""
        seconds = time.perf_counter() - self.started
        before, after = self.before, resource.getrusage(resource.RUSAGE_SELF)
        return json.dumps(
            {
                "calls": calls,
                "seconds": seconds,
                "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                "voluntary_switches": after.ru_nvcsw - before.ru_nvcsw,
                "memory_kib": after.ru_maxrss,
            }
        )


def run(call: Sync, calls: int, warm_up: int) -> str:
    """What this many calls took, one after the other."""
    for n in range(warm_up):
        call(f"warm-{n}")
    stretch = Stretch()
    for n in range(calls):
        call(f"call-{n}")
    return stretch.end(calls)


async def run_async(
    make: Callable[[str], Awaitable[Async]], url: str, calls: int, in_flight: int, warm_up: int
) -> str:
    """What this many calls took, so many of them under way at a time."""
    call = await make(url)

    async def series(name: str, count: int) -> None:
        numbers = iter(range(count))

        async def worker() -> None:
            for n in numbers:
                await call(f"{name}-{n}")

        await asyncio.gather(*(worker() for _ in range(in_flight)))

    await series("warm", warm_up)
    stretch = Stretch()
    await series("call", calls)
    return stretch.end(calls)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=[*SYNC, *ASYNC])
    parser.add_argument("--url", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--warm-up", type=int, help="how many calls are made before: a tenth, if not told")
    options = parser.parse_args()
    calls, in_flight, warm_up = options.calls, options.in_flight, options.warm_up
    if warm_up is None:
        warm_up = max(calls // 10, in_flight)
    if options.contestant in SYNC:
        line = run(SYNC[options.contestant](options.url), calls, warm_up)
    else:
        line = asyncio.run(run_async(ASYNC[options.contestant], options.url, calls, in_flight, warm_up))
    # A client left open would be closed by the interpreter's end, which is not what is measured.
    print(line, flush=True)


if __name__ == "__main__":
    main()
