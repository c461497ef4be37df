"""A program under gevent, which has patched all of it. Its argument says what it does."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import logging
import sys

import gevent
from salary import SALARY

from komopay import AccessScope, Client, PayoutAccepted

logging.basicConfig(format="%(levelname)s %(name)s %(message)s", level=logging.DEBUG)


def say(*words: str) -> None:
    """In one piece, beside the log."""
    sys.stdout.write(" ".join(words) + "\n")


def directly(client: Client, payout_id: str) -> PayoutAccepted:
    return client.create_payout(payout_id, SALARY)


def through_the_threadpool(client: Client, payout_id: str) -> PayoutAccepted:
    """The way that docs/process-models.md recommends."""
    accepted: PayoutAccepted = gevent.get_hub().threadpool.apply(client.create_payout, (payout_id, SALARY))
    return accepted


def beside_another(client: Client) -> None:
    """One greenlet pays; another one is ready before that begins."""

    def other() -> None:
        say("the other greenlet runs")

    def pay() -> None:
        gevent.spawn(other)
        say("paid", pay_with(client, "TST-GREENLET").payout_id)

    pay_with = {"directly": directly, "threadpool": through_the_threadpool}[sys.argv[2]]
    gevent.spawn(pay).get()


def many(client: Client) -> None:
    def pay(number: int) -> None:
        say("paid", through_the_threadpool(client, f"TST-{number}").payout_id)

    gevent.joinall([gevent.spawn(pay, number) for number in range(50)], raise_error=True)


def given_up(client: Client) -> None:
    """The caller stops waiting while the create is on the wire, and the program ends."""
    payer = gevent.spawn(through_the_threadpool, client, "TST-LEFT")
    gevent.spawn(sys.stdin.readline).join()
    payer.kill()
    say("given up")


def with_a_token_of_a_function(client: Client) -> None:
    def provide() -> str:
        # As whatever a patched program waits for: a socket, a lock.
        gevent.sleep(0.001)
        return client.issue_token(AccessScope.payout("TST-TOKEN", SALARY.money)).expose()

    with Client(base_url=sys.argv[2], token=provide) as app:
        say("paid", app.create_payout("TST-TOKEN", SALARY).payout_id)


if __name__ == "__main__":
    todo = {function.__name__: function for function in (beside_another, many, given_up, with_a_token_of_a_function)}
    with Client.from_env() as client:
        todo[sys.argv[1]](client)
    say("the end")
