"""One contestant: typed creates through one HTTP client, measured in a process of its own.

    python bench/contestants.py komopay --url http://127.0.0.1:8080 --calls 1000 [--in-flight 8]

All do the same work: build the documented request from typed values with an id of its own, send it with the
documented headers and a ready token, check the status, and read money and method from the answer as typed values.
In flight are threads, or tasks of asyncio. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from komopay import PayoutRequest

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


@dataclass(frozen=True)
class Server:
    """Whom to call."""

    url: str
    ca_file: str | None
    """The certificate to trust, as PEM."""
    connection_per_create: bool
    """Peers find it closed behind each answer."""

    def ca(self) -> bytes | None:
        return Path(self.ca_file).read_bytes() if self.ca_file else None

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)


Sync = Callable[[str], object]
Async = Callable[[str], Awaitable[object]]


def documented() -> Callable[[], PayoutRequest]:
    """What makes the documented request, as a user of this SDK builds it."""
    from komopay import BankAccount, BankTransfer, Money, PayoutRequest

    return lambda: PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(
            operator_code="BNK_000",
            email_address="customer@test.com",
            account=BankAccount(name="Test account", number="11223344"),
        ),
    )


def komopay(server: Server) -> Sync:
    import komopay

    request = documented()
    client = komopay.Client(
        base_url=server.url,
        token="ready-token",
        ca_file=server.ca_file,
        connection_per_create=server.connection_per_create,
    )
    return lambda payout_id: client.create_payout(payout_id, request())


def requests(server: Server) -> Sync:
    import requests

    session = requests.Session()
    session.headers.update(HEADERS)
    # Told with each call: a variable of the environment would win over the session's.
    verify = server.ca_file or True

    def call(payout_id: str) -> object:
        answer = session.post(f"{server.url}/payouts/{payout_id}", data=body(), verify=verify)
        return accepted(answer.status_code, answer.content)

    return call


def httpx(server: Server) -> Sync:
    import httpx

    client = httpx.Client(headers=HEADERS, verify=server.context())

    def call(payout_id: str) -> object:
        answer = client.post(f"{server.url}/payouts/{payout_id}", content=body())
        return accepted(answer.status_code, answer.content)

    return call


def pyreqwest(server: Server) -> Sync:
    from pyreqwest.client import SyncClientBuilder

    builder = SyncClientBuilder().default_headers(HEADERS)
    if ca := server.ca():
        builder = builder.add_root_certificate_pem(ca)
    client = builder.build()

    def call(payout_id: str) -> object:
        answer = client.post(f"{server.url}/payouts/{payout_id}").body_bytes(body()).build().send()
        return accepted(answer.status, bytes(answer.bytes()))

    return call


def primp(server: Server) -> Sync:
    import primp

    client = primp.Client(headers=HEADERS, ca_cert_file=server.ca_file)

    def call(payout_id: str) -> object:
        answer = client.post(f"{server.url}/payouts/{payout_id}", content=body())
        return accepted(answer.status_code, answer.content)

    return call


async def komopay_async(server: Server) -> Async:
    import komopay

    request = documented()
    client = komopay.AsyncClient(base_url=server.url, token="ready-token")
    return lambda payout_id: client.create_payout(payout_id, request())


async def aiohttp(server: Server) -> Async:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, ssl=server.context())
    session = aiohttp.ClientSession(headers=HEADERS, connector=connector)

    async def call(payout_id: str) -> object:
        async with session.post(f"{server.url}/payouts/{payout_id}", data=body()) as answer:
            return accepted(answer.status, await answer.read())

    return call


async def pyreqwest_async(server: Server) -> Async:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().default_headers(HEADERS).build()

    async def call(payout_id: str) -> object:
        answer = await client.post(f"{server.url}/payouts/{payout_id}").body_bytes(body()).build().send()
        return accepted(answer.status, bytes(await answer.bytes()))

    return call


async def primp_async(server: Server) -> Async:
    import primp

    client = primp.AsyncClient(headers=HEADERS)

    async def call(payout_id: str) -> object:
        answer = await client.post(f"{server.url}/payouts/{payout_id}", content=body())
        return accepted(answer.status_code, answer.content)

    return call


SYNC = {f.__name__: f for f in (komopay, requests, httpx, pyreqwest, primp)}
ASYNC = {f.__name__: f for f in (komopay_async, aiohttp, pyreqwest_async, primp_async)}


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


def series(call: Sync, name: str, calls: int, threads: int) -> None:
    """So many calls, by so many threads."""
    numbers = iter(range(calls))

    def work() -> None:
        for n in numbers:
            call(f"{name}-{n}")

    if threads == 1:
        work()
        return
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


async def series_async(call: Async, name: str, calls: int, tasks: int) -> None:
    """So many calls, by so many tasks."""
    numbers = iter(range(calls))

    async def work() -> None:
        for n in numbers:
            await call(f"{name}-{n}")

    await asyncio.gather(*(work() for _ in range(tasks)))


def run(call: Sync, calls: int, in_flight: int, warm_up: int) -> str:
    series(call, "warm", warm_up, in_flight)
    stretch = Stretch()
    series(call, "call", calls, in_flight)
    return stretch.end(calls)


async def run_async(make: Awaitable[Async], calls: int, in_flight: int, warm_up: int) -> str:
    call = await make
    await series_async(call, "warm", warm_up, in_flight)
    stretch = Stretch()
    await series_async(call, "call", calls, in_flight)
    return stretch.end(calls)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=[*SYNC, *ASYNC])
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca-file", help="the certificate to trust, as PEM")
    parser.add_argument("--connection-per-create", action="store_true")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--warm-up", type=int, help="how many calls are made before: a tenth, if not told")
    options = parser.parse_args()
    server = Server(options.url, options.ca_file, options.connection_per_create)
    calls, in_flight, warm_up = options.calls, options.in_flight, options.warm_up
    if warm_up is None:
        warm_up = max(calls // 10, in_flight)
    if options.contestant in SYNC:
        line = run(SYNC[options.contestant](server), calls, in_flight, warm_up)
    else:
        line = asyncio.run(run_async(ASYNC[options.contestant](server), calls, in_flight, warm_up))
    # A client left open would be closed by the interpreter's end, which is not what is measured.
    print(line, flush=True)


if __name__ == "__main__":
    main()
