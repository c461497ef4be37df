"""AsyncClient: the same answers, cancellation that releases at once, and loops that end."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import pickle
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
import uvloop
from conftest import documented_request, new_async_client, new_client
from gateway import ACCOUNT_NUMBER, Recorder, Sandbox, Seen

from komopay import (
    AccessScope,
    AsyncClient,
    Client,
    ClosedError,
    DuplicatePayoutError,
    KomopayError,
    Money,
    NotFoundError,
    OutcomeUnknownError,
    UnavailableError,
)

T = TypeVar("T")
Loop = Callable[[], asyncio.AbstractEventLoop]
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """`asyncio.run` with each kind of loop."""
    new_loop: Loop = request.param

    def run(main: Coroutine[Any, Any, T]) -> T:
        loop = new_loop()
        try:
            return loop.run_until_complete(main)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    return run


def test_a_payout_is_made_and_followed(run: Run[Any], sandbox: Sandbox) -> None:
    async def pay() -> None:
        async with new_async_client(sandbox) as client:
            accepted = await client.create_payout("TST-1", documented_request())
            assert (accepted.payout_id, accepted.recovered) == ("TST-1", False)
            payout = await client.wait_for_payout("TST-1", timeout=60)
            assert payout.status == "SUCCESS"
            assert await client.get_payout("TST-1") == payout
            assert (await client.create_payout("TST-1", documented_request(), resume=True)).recovered
            with pytest.raises(DuplicatePayoutError):
                await client.create_payout("TST-1", documented_request())
            with pytest.raises(NotFoundError):
                await client.get_payout("TST-2")

    run(pay())
    assert sandbox.executed("TST-1") == 1


def test_both_clients_give_the_same_catalogue(sandbox: Sandbox) -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda client: client.balances(),
        lambda client: client.balances("IDR", "USD"),
        lambda client: client.balances(["IDR"]),
        lambda client: client.currencies(),
        lambda client: client.segments(),
        lambda client: client.payment_operators(),
        lambda client: client.payment_methods(),
        lambda client: client.payment_options(type_code="PAYOUT", currencies=["IDR"]),
        lambda client: client.payout_options(Money("10000", "IDR")),
        lambda client: client.merchant_info(),
        lambda client: client.check_credentials(),
    ]

    async def ask() -> list[Any]:
        async with new_async_client(sandbox) as client:
            return list(await asyncio.gather(*(call(client) for call in calls)))

    with new_client(sandbox) as client:
        answers = [call(client) for call in calls]
    assert asyncio.run(ask()) == answers
    assert all(answer for answer in answers)
    for answer in answers:
        assert pickle.loads(pickle.dumps(answer)) == answer == copy.deepcopy(answer)


def test_five_hundred_creates_at_once_are_five_hundred_payouts(run: Run[Any], sandbox: Sandbox) -> None:
    ids = [f"TST-{number}" for number in range(500)]

    async def pay() -> list[str]:
        async with new_async_client(sandbox) as client:
            accepted = await asyncio.gather(*(client.create_payout(id, documented_request()) for id in ids))
            return [each.payout_id for each in accepted]

    assert run(pay()) == ids
    ledger = sandbox.control("GET", "ledger")
    assert sum("executed" in entry.values() for entry in ledger) == 500


@pytest.mark.parametrize("leave", ["cancel", "timeout"])
def test_a_cancelled_create_releases_at_once_and_the_log_names_its_id(
    leave: str, run: Run[Any], sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("create_payout", "delay", ms=2000)
    request = documented_request(number=ACCOUNT_NUMBER)

    async def pay() -> None:
        client = new_async_client(sandbox)
        call = asyncio.create_task(client.create_payout("TST-LEFT", request))
        await asyncio.to_thread(sandbox.wait_until_seen, "create_payout")
        if leave == "cancel":
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        else:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(call, 0.01)
        assert sandbox.executed_by_now("TST-LEFT") == 0, "the caller was held until the answer"
        # What is on the wire is read to its end, which closing waits for.
        await client.close()

    with caplog.at_level(logging.INFO, "komopay"):
        run(pay())
    texts = [record.getMessage() for record in caplog.records]
    assert any("TST-LEFT" in text and "resume" in text for text in texts)
    assert any("TST-LEFT" in text and "with nobody waiting" in text for text in texts)
    assert sandbox.executed("TST-LEFT") == 1


def test_a_loop_that_is_closed_during_a_create_loses_neither_the_process_nor_the_id(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("create_payout", "hold")
    client = new_async_client(sandbox)
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        calls.append(client._calls.create_payout("TST-CLOSED-LOOP", documented_request()))

    calls: list[Any] = []
    loop.run_until_complete(begin())
    sandbox.wait_until_seen("create_payout")
    loop.close()
    sandbox.release()
    asyncio.run(client.close())
    # The result goes to the closed loop before this call's own goes to its loop; then nobody's records are told.
    asyncio.run(refused(client))
    asyncio.run(client.close())
    assert any(
        "TST-CLOSED-LOOP" in record.getMessage() and "resume" in record.getMessage() for record in caplog.records
    )
    assert sandbox.executed("TST-CLOSED-LOOP") == 1


async def refused(client: AsyncClient) -> None:
    with pytest.raises(ClosedError):
        await client.get_payout("TST-1")


def test_leaving_the_block_by_cancellation_does_not_wait_for_the_create(run: Run[Any], sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "delay", ms=60_000)

    async def pay() -> None:
        # It is given up in the background, before the tests end.
        async with new_async_client(sandbox, total_timeout=2, attempt_timeout=1) as client:
            await client.create_payout("TST-1", documented_request())

    async def main() -> None:
        call = asyncio.create_task(pay())
        await asyncio.to_thread(sandbox.wait_until_seen, "create_payout")
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(call, 10)

    run(main())


def test_close_without_draining_returns_at_once_and_the_create_is_settled_or_unknown(sandbox: Sandbox) -> None:
    sandbox.fault("create_payout", "hold")

    async def main() -> None:
        client = new_async_client(sandbox)
        call = asyncio.create_task(client.create_payout("TST-1", documented_request()))
        await asyncio.to_thread(sandbox.wait_until_seen, "create_payout")
        await client.close(drain=False)
        assert not call.done()
        with pytest.raises(ClosedError):
            await client.get_payout("TST-1")
        sandbox.release()
        with contextlib.suppress(OutcomeUnknownError):
            await call
        await client.close()

    asyncio.run(main())
    assert sandbox.executed("TST-1") == 1


def test_an_async_function_provides_the_token_in_the_loop(sandbox: Sandbox) -> None:
    asked: list[threading.Thread] = []

    async def main() -> None:
        async with new_async_client(sandbox) as merchant:

            async def provide() -> str:
                asked.append(threading.current_thread())
                return (await merchant.issue_token(AccessScope.operations(["GET /currencies"]))).expose()

            async with AsyncClient(base_url=sandbox.url, token=provide) as app:
                assert "IDR" in await app.currencies()
                assert "IDR" in await app.currencies()

    asyncio.run(main())
    assert asked == [threading.main_thread()], "once, and in the thread of the loop"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_a_provider_raises_is_told_by_its_type_only(kind: str, sandbox: Sandbox) -> None:
    class Expired(Exception):
        pass

    def fail() -> str:
        raise Expired("canary-text")

    async def fail_later() -> str:
        raise Expired("canary-text")

    async def main() -> None:
        provider: Any = fail if kind == "sync" else fail_later
        async with AsyncClient(base_url=sandbox.url, token=provider, read_attempts=1) as client:
            await client.currencies()

    with pytest.raises(UnavailableError, match="Expired") as caught:
        asyncio.run(main())
    assert "canary" not in str(caught.value)


def refused_by(client: Client) -> None:
    with pytest.raises(KomopayError):
        client.currencies()


def test_a_slow_provider_holds_up_no_other_client(sandbox: Sandbox) -> None:
    entered, release = threading.Event(), threading.Event()

    def provide() -> str:
        entered.set()
        release.wait()
        return "no-real-token"

    with Client(base_url=sandbox.url, token=provide, read_attempts=1) as slow, new_client(sandbox) as client:
        caller = threading.Thread(target=refused_by, args=(slow,))
        caller.start()
        assert entered.wait(30)
        assert client.currencies()
        release.set()
        caller.join()


def test_what_a_provider_gives_is_used_by_all_threads(sandbox: Sandbox) -> None:
    asked: list[str] = []

    def provide() -> str:
        asked.append("once")
        with new_client(sandbox) as merchant:
            return merchant.issue_token(AccessScope.operations(["GET /currencies"])).expose()

    with Client(base_url=sandbox.url, token=provide) as app:
        callers = [threading.Thread(target=app.currencies) for _ in range(16)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert asked == ["once"]


@pytest.mark.parametrize("given", [None, 1, b"token", ""])
def test_a_provider_that_gives_no_token_is_unavailable(given: Any, sandbox: Sandbox) -> None:
    with Client(base_url=sandbox.url, token=lambda: given, read_attempts=1) as client:
        with pytest.raises(UnavailableError):
            client.currencies()


def test_an_async_client_shows_no_secret_and_cannot_be_pickled_or_copied(sandbox: Sandbox) -> None:
    client = new_async_client(sandbox)
    assert repr(client) == f"AsyncClient(base_url='{sandbox.url}')"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(client)


def test_results_that_come_together_wake_the_loop_together(caplog: pytest.LogCaptureFixture) -> None:
    # Records of the log wake it, too.
    caplog.set_level(logging.WARNING, logger="komopay")
    # Nothing is answered before all have arrived. Whoever wakes the loop first then waits until all answers were read:
    # what has ended until then comes with the next wake-up.
    together, read = threading.Barrier(32), threading.Semaphore(0)
    wake_ups: list[object] = []

    class Counting(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *arguments: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override]
            wake_ups.append(arguments)
            if len(wake_ups) == 1:
                for _ in range(32):
                    assert read.acquire(timeout=30)
            return super().call_soon_threadsafe(*arguments, **options)

    answers = {("GET", "/currencies"): (200, b'{"data":[{"code":"IDR"}]}')}
    loop = Counting()
    with Recorder(
        answers, before_answer=lambda _: together.wait(30), when_read=lambda _: read.release()
    ) as recorder:
        client = AsyncClient(base_url=recorder.url, token="t")

        async def main() -> None:
            calls = (client.currencies() for _ in range(32))
            assert await asyncio.gather(*calls) == [["IDR"]] * 32

        loop.run_until_complete(main())
    loop.close()
    # Some may be under way between their connection and the one who wakes.
    assert 1 <= len(wake_ups) <= 8
