"""``python -m komopay trigger``: makes the sandbox send a callback, over its control API."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from komopay import BankAccount, BankTransfer, ConfigurationError, KomopayError, Money, PayoutRequest
from komopay._listen import DEFAULT_PORT, environment
from komopay.testing import account_number

if TYPE_CHECKING:
    from typing import TypedDict

    class _Delivery(TypedDict):
        payout_id: str
        status: str | None
        attempt: int
        outcome: dict[str, str | int]


CASES = {
    "success": "a payout that ends SUCCESS",
    "failed": "a payout that ends FAILED",
    "refused": "a payout that ends REFUSED",
    "correction": "a payout that ends SUCCESS, and is corrected to FAILED",
    "duplicate": "a payout whose callback comes three times",
    "lost_answer": "a payout whose callback is repeated, since the answer is lost",
    "forged": "a callback that no payout asked for, to a URL that was not signed",
}

_TOKEN = "KOMOPAY_SANDBOX_TOKEN"

# For how many seconds the deliveries are waited for, and an answer of the control API.
_PATIENCE = 30


class _Failed(Exception):
    """What keeps the case from being played, for people."""


def main(arguments: list[str]) -> int:
    """Plays one case, shows the deliveries, and returns the exit code: 0 if the last one was answered."""
    parser = argparse.ArgumentParser(
        prog="python -m komopay trigger",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Makes `python -m komopay sandbox --control` send a callback. The settings come from "
        "KOMOPAY_BASE_URL,\nKOMOPAY_MERCHANT_CODE, KOMOPAY_SECRET, KOMOPAY_CALLBACK_KEYS and KOMOPAY_SANDBOX_TOKEN, "
        "which the sandbox shows at its\nstart. For `forged`, start it with --forge-to-port and the port of the URL.",
        epilog="cases:\n" + "\n".join(f"  {case:<12} {text}" for case, text in CASES.items()),
    )
    _ = parser.add_argument("case", choices=CASES, metavar="case", help="one of the cases below")
    url = f"http://127.0.0.1:{DEFAULT_PORT}"
    _ = parser.add_argument("--url", default=url, help="the base of the callback URL (%(default)s)")
    # The payout is the tool's own, in a sandbox. A program that pays keeps an id before it uses it.
    payout_id = f"TRIGGER-{time.time_ns() // 1_000_000}"
    _ = parser.add_argument("--id", default=payout_id, help="the id of the payout (a new one)")
    given = parser.parse_args(arguments)
    case, url, payout_id = str(given.case), str(given.url), str(given.id)  # pyright: ignore[reportAny]
    try:
        return _trigger(case, url, payout_id)
    except (_Failed, KomopayError) as error:
        print(f"trigger: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1
    except KeyboardInterrupt:
        return 130


def _trigger(case: str, url: str, payout_id: str) -> int:
    with environment() as client:
        sandbox = _Sandbox(os.environ["KOMOPAY_BASE_URL"])
        # First of all: nothing is paid anywhere else.
        _ = sandbox.control("GET", "health")
        if case == "forged":
            forgery = {"payout_id": payout_id, "url": f"{url.rstrip('/')}/1.0.{'A' * 43}"}
            return _show([cast("_Delivery", sandbox.control("POST", "deliveries/forge", forgery))])
        fault = {"duplicate": {"type": "duplicate", "copies": 2}, "lost_answer": {"type": "lose_answer"}}.get(case)
        if fault is not None:
            when = {"payout_id": payout_id, "on": {"nth": 1}}
            _ = sandbox.control("POST", "deliveries/faults", {"when": when, "effect": fault})
        status = {"failed": "FAILED", "refused": "REFUSED"}.get(case, "SUCCESS")
        account = BankAccount(name="Test account", number=account_number(status=status))
        request = PayoutRequest(
            money=Money("10000", "IDR"),
            method=BankTransfer(operator_code="BNK_000", account=account),
            callback_url=client.callback_url(url, payout_id),
        )
        _ = client.create_payout(payout_id, request)
        print(f"payout {payout_id} is {client.wait_for_payout(payout_id, timeout=_PATIENCE).status}", flush=True)
        first = sandbox.first_delivery(payout_id)
        if case == "lost_answer":
            # The repeat, which would come after two minutes.
            _ = sandbox.control("POST", "clock", {"advance_ms": 120_000})
        # If nobody answers, the repeats take minutes: the first attempt tells why.
        if first["outcome"]["type"] in ("answered", "answer_lost"):
            sandbox.wait()
        if case == "correction":
            correction = {"status": "FAILED", "failure_reason": "SYSTEM"}
            _ = sandbox.control("POST", f"payouts/{payout_id}/status", correction)
            print(f"payout {payout_id} is corrected to FAILED", flush=True)
            sandbox.wait()
        return _show(sandbox.deliveries(payout_id))


def _control_token() -> str:
    token = os.environ.get(_TOKEN)
    if not token:
        text = f"{_TOKEN}: is not set in the environment; `python -m komopay sandbox --control` shows it at its start"
        raise ConfigurationError(text, field=_TOKEN)
    return token


def _show(deliveries: list[_Delivery]) -> int:
    for delivery in deliveries:
        outcome = dict(delivery["outcome"])
        kind = str(outcome.pop("type")).replace("_", " ")
        about = delivery["status"] or "forged"
        print(f"callback {about}, attempt {delivery['attempt']}: {kind}", *outcome.values())
    return 0 if deliveries and deliveries[-1]["outcome"]["type"] == "answered" else 1


class _Sandbox:
    """The control API of the sandbox behind a base URL."""

    def __init__(self, base_url: str) -> None:
        self._base_url: str = base_url
        # Nowhere a local: reports of errors show those.
        self._headers: dict[str, str] = {"Authorization": f"Bearer {_control_token()}"}
        try:
            parts = urlsplit(base_url)
            self._host: str | None = parts.hostname
            self._port: int | None = parts.port
        except ValueError as error:
            raise _Failed(f"KOMOPAY_BASE_URL: {error}") from None
        if parts.scheme != "http" or self._host is None:
            raise _Failed(self._no_sandbox())

    def _no_sandbox(self) -> str:
        return (
            f"KOMOPAY_BASE_URL is {self._base_url}, where no sandbox answers over its control API; "
            "start one with `python -m komopay sandbox --control`"
        )

    def control(self, method: str, path: str, body: object = None) -> object:
        """The answer to a call."""
        connection = http.client.HTTPConnection(self._host or "", self._port, timeout=_PATIENCE)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/_sandbox/{path}", sent, self._headers)
            answer = connection.getresponse()
            text = answer.read(1 << 24)
            if answer.status == 401:
                told = f"the sandbox at {self._base_url} has another token than {_TOKEN} says; it shows it at its start"
                raise _Failed(told)
            if path == "health" and answer.status != 200:
                raise _Failed(self._no_sandbox())
            if answer.status >= 300:
                raise _Failed(f"the sandbox refuses it: {text.decode(errors='replace')}")
            return cast("object", json.loads(text))
        except (OSError, http.client.HTTPException) as error:
            raise _Failed(f"{self._no_sandbox()} ({error})") from None
        except ValueError:
            raise _Failed(self._no_sandbox()) from None
        finally:
            connection.close()

    def deliveries(self, payout_id: str) -> list[_Delivery]:
        every = cast("list[_Delivery]", self.control("GET", "deliveries"))
        mine = [delivery for delivery in every if delivery["payout_id"] == payout_id]
        # Signed, and of no use here: it would be a local of every frame above.
        for delivery in mine:
            _ = cast("dict[str, object]", cast("object", delivery)).pop("url", None)
        return mine

    def first_delivery(self, payout_id: str) -> _Delivery:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if deliveries := self.deliveries(payout_id):
                return deliveries[0]
            time.sleep(0.05)
        raise _Failed(f"no callback about {payout_id} was sent within {_PATIENCE} s")

    def wait(self) -> None:
        """Until every callback is delivered or given up."""
        done = cast("dict[str, bool]", self.control("GET", f"deliveries/done?limit_ms={_PATIENCE * 900}"))
        if not done["done"]:
            raise _Failed(f"callbacks are not delivered within {_PATIENCE} s; the log of the sandbox tells why")
