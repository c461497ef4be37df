"""Waiting for many payouts: each as it ends, in a loop, with few requests for all."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator

import pytest
from conftest import documented_request, new_async_client, new_client
from gateway import Sandbox

from komopay import (
    Client,
    ClosedError,
    InvalidRequestError,
    NotFinalError,
    NotFoundError,
    Payout,
    UnavailableError,
    WaitedPayout,
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One whose payouts are final at once: how often they are read follows from nothing else then."""
    with Sandbox(processing_ms=0) as sandbox:
        yield sandbox


def make(client: Client, count: int) -> list[str]:
    ids = [f"MANY-{number}" for number in range(count)]
    for payout_id in ids:
        client.create_payout(payout_id, documented_request())
    return ids


def test_each_is_given_once_and_one_token_does_for_many(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        ids = make(client, 40)
    with new_client(sandbox) as client:
        before = sandbox.control("GET", "calls")["issue_token"], sandbox.control("GET", "calls")["get_payout"]
        waited = list(client.wait_for_payouts([*ids, *ids[:3]], timeout=60, reads_per_second=10_000))
        assert sorted(each.payout_id for each in waited) == sorted(ids)
        assert {each.result().status for each in waited} == {"SUCCESS"}
        assert sandbox.control("GET", "calls")["issue_token"] - before[0] == 2
        assert sandbox.control("GET", "calls")["get_payout"] - before[1] == 40


def test_what_goes_wrong_with_one_ends_no_other_wait(sandbox: Sandbox) -> None:
    with new_client(sandbox, settle_window=0.1) as client:
        ids = [*make(client, 2), "NONE"]
        waited = {each.payout_id: each for each in client.wait_for_payouts(ids, timeout=60)}
    assert isinstance(waited["MANY-0"].payout, Payout) and waited["MANY-0"].error is None
    assert isinstance(waited["NONE"].error, NotFoundError) and waited["NONE"].payout is None
    with pytest.raises(NotFoundError):
        waited["NONE"].result()


def test_an_async_loop_gets_the_same(sandbox: Sandbox) -> None:
    async def main() -> list[WaitedPayout]:
        async with new_async_client(sandbox) as client:
            await asyncio.gather(*(client.create_payout(f"MANY-{n}", documented_request()) for n in range(5)))
            ids = (f"MANY-{n}" for n in range(5))
            return [waited async for waited in client.wait_for_payouts(ids, timeout=60)]

    assert sorted(waited.payout_id for waited in asyncio.run(main())) == [f"MANY-{n}" for n in range(5)]


def test_a_loop_that_is_left_reads_no_more_and_a_cancelled_one_neither(sandbox: Sandbox) -> None:
    sandbox.fault("get_payout", "hold")

    async def main() -> None:
        async with new_async_client(sandbox) as client:

            async def follow() -> None:
                async for _ in client.wait_for_payouts(["A", "B"], timeout=60, reads_per_second=0.01):
                    pass

            task = asyncio.create_task(follow())
            await asyncio.to_thread(sandbox.wait_until_seen, "get_payout")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            sandbox.release()

    asyncio.run(main())
    assert sandbox.control("GET", "calls")["get_payout"] == 1
    with new_client(sandbox) as client:
        make(client, 2)
        for _ in client.wait_for_payouts(["MANY-0", "MANY-1"], timeout=60, reads_per_second=0.01):
            break
        gc.collect()
    assert sandbox.control("GET", "calls")["get_payout"] == 2


def test_time_that_is_over_and_a_closed_client_end_every_wait(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    ids = make(client, 2)
    ended = list(client.wait_for_payouts(ids, timeout=2, reads_per_second=0.01))
    assert [type(each.error) for each in ended] == [type(None), NotFinalError]
    waits = client.wait_for_payouts(ids, timeout=60)
    client.close()
    assert [type(each.error) for each in waits] == [ClosedError, ClosedError]
    with pytest.raises(ClosedError):
        client.wait_for_payouts(ids, timeout=60)


def test_bad_arguments_are_refused_by_their_names(client: Client) -> None:
    for known, field in [
        ({"payout_ids": "MANY-1", "timeout": 1}, "payout_ids"),
        ({"payout_ids": ["not an id"], "timeout": 1}, "payout_id"),
        ({"payout_ids": [], "timeout": "soon"}, "timeout"),
        ({"payout_ids": [], "timeout": 1, "reads_per_second": 0}, "reads_per_second"),
    ]:
        with pytest.raises(InvalidRequestError) as caught:
            client.wait_for_payouts(**known)  # type: ignore[arg-type]
        assert caught.value.field == field
    assert list(client.wait_for_payouts([], timeout=1)) == []


def test_a_waited_payout_without_both_is_no_payout() -> None:
    with pytest.raises(UnavailableError):
        WaitedPayout(payout_id="A", error=UnavailableError("no")).result()


def test_a_wait_stays_the_parents(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        waits = client.wait_for_payouts(make(client, 1), timeout=60)
        child = os.fork()
        if child == 0:
            try:
                next(waits)
            except ClosedError:
                del waits
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert [waited.payout_id for waited in waits] == ["MANY-0"]
