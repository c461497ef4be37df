"""A stand-in gateway inside the process, so that the tests of your own code need no network and no account.

    >>> from komopay import BankAccount, BankTransfer, Money, PayoutRequest
    >>> from komopay.testing import Sandbox
    >>> salary = PayoutRequest(
    ...     money=Money("10000", "IDR"),
    ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")))
    >>> with Sandbox() as sandbox, sandbox.client() as client:
    ...     sandbox.lose_answer()
    ...     accepted = client.create_payout("SALARY-1", salary)
    >>> accepted.recovered, sandbox.executed("SALARY-1")
    (True, 1)

It speaks the API over a real socket of 127.0.0.1, moves balances, writes down in a ledger what it really executed, and
breaks on demand. With pytest, ask for the fixtures ``komopay_sandbox``, ``komopay_client`` and
``komopay_async_client``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import komopay
from komopay_testing import _native

if komopay.__version__ != _native.__version__:
    raise ImportError(
        f"komopay {komopay.__version__} and komopay-testing {_native.__version__} must be of one version: "
        f'pip install "komopay[testing]=={komopay.__version__}"'
    )

from komopay import Client, InvalidRequestError, Money
from komopay._native import _Argument
from komopay._opaque import Opaque

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from typing_extensions import Self, Unpack

    from komopay._settings import CommonSettings
    from komopay.aio import AsyncClient

__all__ = ["Balance", "Delivery", "LedgerEntry", "Sandbox", "account_number"]

_SHORT_TIMES: CommonSettings = {
    "total_timeout": 5,
    "attempt_timeout": 2,
    "settle_window": 0.25,
    "backoff_base": 0.01,
    "backoff_cap": 0.1,
}


@dataclass(frozen=True)
class LedgerEntry:
    """One line of the ledger: what the gateway really did with money, whatever it told anyone."""

    sequence: int
    """1, 2, 3, ... in the order in which things happened."""
    at: datetime
    """When it happened, in UTC."""
    kind: Literal["executed", "booked", "released"]
    """``executed`` when the gateway takes a payout; then ``booked`` (SUCCESS) or ``released`` (FAILED, REFUSED)."""
    payout_id: str
    """The id of the payout."""
    money: Money
    """How much."""
    payee_hash: str
    """Who was paid: equal for equal payees, and keyed, so that it gives no account number away."""

    def __str__(self) -> str:
        at = self.at.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return f"{self.sequence:>4} {at}Z {self.kind:<8} {self.payout_id} {self.money} payee {self.payee_hash}"


@dataclass(frozen=True)
class Balance:
    """The money on the account of one currency."""

    balance: Money
    """All of it, pending payouts included."""
    available: Money
    """What can be paid out now."""
    pending_payout: Money
    """What payouts in processing hold."""


@dataclass(frozen=True)
class Delivery:
    """One line of the delivery log: one attempt to deliver a callback."""

    sequence: int
    """1, 2, 3, ... in the order in which the attempts ended."""
    at: datetime
    """When the attempt began, in UTC, on the sandbox's clock."""
    payout_id: str
    """The id in the callback: of a payout, or whatever a forged one says."""
    status: str | None
    """The status that the payout had when the callback was made. The callback does not carry it. None: a forged one."""
    attempt: int
    """1, then 2 to 5 for the repeats. Copies share their number."""
    url: str
    """Where it went."""
    outcome: Literal["answered", "answer_lost", "failed", "lost", "withheld"]
    """What became of it. ``answered`` with 200 is delivered, ``withheld`` was not sent; everything else is repeated."""
    http_status: int | None
    """The status that the receiver answered with."""
    reason: str | None
    """Why it ``failed`` or was ``withheld``."""


class Sandbox:
    """A stand-in gateway that listens on 127.0.0.1 until it is stopped. Any number can run; they share nothing.

    - ``processing_time``: how long a payout stays PROCESSING, in seconds or as a ``timedelta``; 0 is "not at all".
    - ``seed``: what everything random follows from.
    - ``merchant_code``, ``secret``: the credentials it accepts; without them, ones of its own.
    - ``balances``: amounts by currency, in place of what the sandbox has of them by itself, which is plenty.
    - ``port``: the port to listen on; 0 takes a free one.
    - ``control``: whether the control API under ``/_sandbox/`` answers, to who brings ``control_token`` along.
    - ``forge_to_ports``: the ports of this machine to which the control API may forge callbacks; otherwise it does so
      only to URLs that a create handed over. ``forge_callback()`` asks for neither.
    - ``callback_interval``: how long after an attempt a callback is repeated that was not answered with 200.
    - ``callback_on_create``: whether there is a callback for the creation of a payout, too.
    - ``deliver_to_any_host``: whether callbacks go to other machines, too; by default they are withheld.

    A setting that cannot be used is a ``ConfigurationError`` that names it, and a wrong argument of a method an
    ``InvalidRequestError``; each is a ``ValueError``. A port that cannot be listened on is an ``OSError``.

    Where the environment variable ``KOMOPAY_SANDBOX_RECORD`` names a file, every call is appended to it, a line of JSON
    for the request and one for the answer. They hold the secret and all tokens, so the file is made for its owner
    alone, and one that others may use is a ``PermissionError``.

    What breaks is said before the call that shall meet it. With ``nth=1`` it is the next call of the operation, and the
    fault is used up by it; with ``nth=None`` it is every call until ``clear_faults()``. With ``payout_id`` only calls
    about that payout count.

        >>> with Sandbox(balances={"IDR": "50000"}) as sandbox:
        ...     print(sandbox.balance("IDR").available)
        50000 IDR
    """

    def __init__(
        self,
        *,
        processing_time: float | timedelta = 0.0,
        seed: int = 0,
        merchant_code: str | None = None,
        secret: str | None = None,
        balances: Mapping[str, str | int | Decimal] | None = None,
        port: int = 0,
        control: bool = False,
        forge_to_ports: Collection[int] = (),
        callback_interval: float | timedelta = 120.0,
        callback_on_create: bool = False,
        deliver_to_any_host: bool = False,
    ) -> None:
        # A local of this frame would stand in every report of what raises below.
        make = Opaque(_native.Sandbox, merchant_code=merchant_code, secret=secret)
        del secret
        self._gateway = make(
            processing_time=processing_time,
            seed=seed,
            balances=balances,
            port=port,
            control=control,
            forge_to_ports=forge_to_ports,
            callback_interval=callback_interval,
            callback_on_create=callback_on_create,
            deliver_to_any_host=deliver_to_any_host,
        )
        # Kept here, where they can be asked for in a forked child, too.
        self._base_url, self._merchant_code, self._secret, self._control_token = self._gateway.address

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:38211``."""
        return self._base_url

    @property
    def merchant_code(self) -> str:
        """The merchant code it accepts."""
        return self._merchant_code

    @property
    def secret(self) -> str:
        """The secret it accepts."""
        return self._secret

    @property
    def control_token(self) -> str | None:
        """What calls of the control API must bring along, as ``Authorization: Bearer ...``; None where it is off."""
        return self._control_token

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ``Client.from_env()`` reads, for code that makes its own client.

        Where the control API is on, also the one that ``python -m komopay trigger`` reads.

            >>> import os
            >>> from unittest.mock import patch
            >>> from komopay import Client
            >>> with Sandbox() as sandbox, patch.dict(os.environ, sandbox.environment), Client.from_env() as client:
            ...     client
            Client(base_url='http://127.0.0.1:...')
        """
        variables = {
            "KOMOPAY_BASE_URL": self._base_url,
            "KOMOPAY_MERCHANT_CODE": self._merchant_code,
            "KOMOPAY_SECRET": self._secret,
        }
        if self._control_token is not None:
            variables["KOMOPAY_SANDBOX_TOKEN"] = self._control_token
        return variables

    def client(
        self, *, token: str | Callable[[], str] | None = None, **settings: Unpack[CommonSettings]
    ) -> Client:
        """A client of this sandbox. Close it, or use it in a ``with`` statement.

        Its pauses are short and a call ends after 5 s, so that a test of what goes wrong is quick. Every setting of
        ``Client`` may be given, and then wins.
        """
        make = Opaque(Client, base_url=self._base_url, token=token, **self._settings(settings, token))
        del token, settings
        return make()

    def async_client(
        self, *, token: str | Callable[[], str | Awaitable[str]] | None = None, **settings: Unpack[CommonSettings]
    ) -> AsyncClient:
        """The same for asyncio. Close it, or use it in an ``async with`` statement."""
        # Here, since a test without asyncio shall not load it.
        from komopay.aio import AsyncClient

        make = Opaque(AsyncClient, base_url=self._base_url, token=token, **self._settings(settings, token))
        del token, settings
        return make()

    def _settings(self, given: CommonSettings, token: object) -> CommonSettings:
        if token is not None:
            return {**_SHORT_TIMES, **given}
        return {**_SHORT_TIMES, "merchant_code": self._merchant_code, "secret": self._secret, **given}

    # What happened.

    @property
    def ledger(self) -> list[LedgerEntry]:
        """What happened to money so far. If a call may still be under way, ask ``idle()`` first."""
        return [LedgerEntry(*entry) for entry in self._gateway.ledger()]

    def executed(self, payout_id: str) -> int:
        """How often this payout has been executed by now: 1, if it was paid and not paid twice."""
        return sum(entry.payout_id == payout_id and entry.kind == "executed" for entry in self.ledger)

    def balance(self, currency: str) -> Balance:
        """The money on the account of a currency; a ``KeyError`` if there is no such account."""
        found = self._gateway.balance(currency)
        if found is None:
            raise KeyError(f"this sandbox has no account in {currency}")
        return Balance(*found)

    def calls(self, operation: str) -> int:
        """How many calls of an operation have arrived, whatever became of them.

        ``operation`` is ``create_payout``, ``get_payout``, ``issue_token`` or another of the API; a wrong name is an
        ``InvalidRequestError`` that lists them all.
        """
        return self._gateway.calls(operation)

    def idle(self) -> None:
        """Returns when nothing is pending: no call, no processing, no late execution, no callback that is due."""
        self._gateway.idle()

    # Callbacks.

    def deliveries(self) -> list[Delivery]:
        """The delivery log: every attempt to deliver a callback, in the order in which they ended.

            >>> from komopay import BankAccount, BankTransfer, PayoutRequest
            >>> salary = PayoutRequest(
            ...     money=Money("10000", "IDR"), callback_url="https://callback.example.com",
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="A", number="11223344")))
            >>> with Sandbox() as sandbox, sandbox.client() as client:
            ...     accepted = client.create_payout("SALARY-1", salary)
            ...     sandbox.idle()
            >>> (delivery,) = sandbox.deliveries()
            >>> delivery.status, delivery.outcome, delivery.reason
            ('SUCCESS', 'withheld', 'callback.example.com is not this machine; deliver_to_any_host sends there, too')

        It keeps the last 10,000.
        """
        return [Delivery(*attempt) for attempt in self._gateway.deliveries()]

    def wait_for_deliveries(self, timeout: float | timedelta = 10.0) -> bool:
        """Whether every callback is delivered or given up, repeats included, within this time: it waits for that.

        A repeat comes after two minutes, unless ``callback_interval`` or ``advance()`` shortens the wait.
        """
        return self._gateway.wait_for_deliveries(timeout)

    def change_status(self, payout_id: str, status: str, failure: str | None = None) -> None:
        """Gives a payout a final status, its first or a corrected one, and sends the callback of that.

        ``status`` is SUCCESS, FAILED or REFUSED; ``failure`` is the reason of the last two, for FAILED by default
        SYSTEM. ``processed_at`` and ``failed_at`` are later than before. A ``KeyError`` if there is no such payout, an
        ``InvalidRequestError`` for a status that it cannot get.
        """
        self._gateway.change_status(payout_id, status, failure)

    def send_callback(self, payout_id: str) -> None:
        """Sends a callback about a payout now, with its repeats, though nothing has changed.

        A ``KeyError`` if there is no such payout, an ``InvalidRequestError`` if it has no callback URL.
        """
        self._gateway.send_callback(payout_id)

    def forge_callback(self, payout_id: str, url: str) -> Delivery:
        """Sends a callback that no payout asked for, once, and returns what became of it."""
        return Delivery(*self._gateway.forge_callback(payout_id, url))

    def fail_callback(
        self,
        effect: str,
        *,
        nth: int | None = 1,
        rate: float | None = None,
        payout_id: str | None = None,
        status: str | None = None,
        attempt: int | None = None,
        **details: object,
    ) -> None:
        """Lets something go wrong with an attempt to deliver a callback.

        ``effect`` is ``duplicate`` (``copies``: so many more, all at once), ``delay`` (``ms``), ``after_next`` (it
        is sent when the callback of the payout's next change has been: out of order), ``lose`` (nothing is sent),
        ``lose_answer`` (sent, and repeated whatever the answer is). ``nth`` and ``rate`` are as in ``fail()``, and
        count attempts, repeats too; ``payout_id``, ``status`` and ``attempt`` (1 is the first) let only some of
        them count.
        """
        when: dict[str, object] = {"on": _on(nth, rate)}
        for name, value in {"payout_id": payout_id, "status": status, "attempt": attempt}.items():
            if value is not None:
                when[name] = value
        self._gateway.inject_into_callbacks(_fault(when, effect, details))

    def advance(self, time: float | timedelta) -> None:
        """Puts the sandbox's clock forward, in seconds or by a ``timedelta``.

        Processing, delays and repeats of callbacks that would end in this time end now. Tokens and faults of calls know
        nothing of it.
        """
        self._gateway.advance(time)

    # What breaks.

    def lose_answer(
        self, *, operation: str = "create_payout", nth: int | None = 1, payout_id: str | None = None
    ) -> None:
        """The call is executed, and the connection closes without an answer."""
        self.fail(operation, "execute_then_close", nth=nth, payout_id=payout_id)

    def lose_request(
        self, *, operation: str = "create_payout", nth: int | None = 1, payout_id: str | None = None
    ) -> None:
        """The connection closes without an answer, and nothing is executed: to a client just like a lost answer."""
        self.fail(operation, "close_after_reading", nth=nth, payout_id=payout_id)

    def hide_outcome(self, *, payout_id: str | None = None) -> None:
        """Creates are executed, but neither answered nor found, until ``clear_faults()``: an ``OutcomeUnknownError``.

        What your code does then is worth a test. The client tries until its ``total_timeout``.

            >>> from komopay import BankAccount, BankTransfer, OutcomeUnknownError, PayoutRequest
            >>> salary = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="A", number="11223344")))
            >>> with Sandbox() as sandbox, sandbox.client(total_timeout=0.5, attempt_timeout=0.25) as client:
            ...     sandbox.hide_outcome()
            ...     try:
            ...         client.create_payout("SALARY-1", salary)
            ...     except OutcomeUnknownError:
            ...         sandbox.clear_faults()
            ...         accepted = client.create_payout("SALARY-1", salary, resume=True)
            >>> sandbox.executed("SALARY-1")
            1
        """
        self.lose_answer(nth=None, payout_id=payout_id)
        self.fail("get_payout", "status", status=503, nth=None, payout_id=payout_id)

    def slow(
        self,
        time: float | timedelta,
        *,
        operation: str = "create_payout",
        nth: int | None = None,
        payout_id: str | None = None,
    ) -> None:
        """The call waits this long, in seconds or a ``timedelta``, and is then executed and answered as always."""
        self.fail(operation, "delay", ms=_milliseconds("time", time), nth=nth, payout_id=payout_id)

    def unavailable(
        self,
        *,
        operation: str | None = None,
        status: int = 503,
        nth: int | None = None,
        payout_id: str | None = None,
    ) -> None:
        """The call is answered with this status, and nothing is executed. Without an operation: every one.

        A create then ends as ``UnavailableError``, but with ``resume=True`` as ``OutcomeUnknownError``: what an earlier
        run did cannot be read, either.
        """
        for each in [operation] if operation is not None else _native.operations():
            self.fail(each, "status", status=status, nth=nth, payout_id=payout_id)

    def rate_limit(
        self,
        *,
        operation: str = "create_payout",
        retry_after: int | None = None,
        nth: int | None = 1,
        payout_id: str | None = None,
    ) -> None:
        """The call is answered with 429, with a ``Retry-After`` of so many seconds if one is given."""
        self.fail(operation, "rate_limited", retry_after_secs=retry_after, nth=nth, payout_id=payout_id)

    def reject(
        self,
        code: str,
        *,
        operation: str = "create_payout",
        uses_id_up: bool = False,
        nth: int | None = 1,
        payout_id: str | None = None,
    ) -> None:
        """The call is answered with 406 and this code, such as ``BALANCE_INSUFFICIENT``: a ``RejectedError``."""
        self.fail(operation, "rejected", code=code, uses_id_up=uses_id_up, nth=nth, payout_id=payout_id)

    def stray_answer(
        self,
        status: int,
        *,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        execute_after: float | timedelta | None = None,
        operation: str = "create_payout",
        nth: int | None = 1,
        payout_id: str | None = None,
    ) -> None:
        """A front end delivers somebody else's answer: this one goes out, and the call's own behind it.

        Only calls on a connection that has carried another one before count: nothing can have strayed on a new one. The
        call is executed before the answer goes out; with ``execute_after``, seconds or a ``timedelta``, so long after.

            >>> from komopay import BankAccount, BankTransfer, PayoutRequest
            >>> salary = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="A", number="11223344")))
            >>> with Sandbox() as sandbox, sandbox.client() as client:
            ...     sandbox.stray_answer(502)
            ...     accepted = client.create_payout("SALARY-1", salary)
            >>> accepted.recovered, sandbox.executed("SALARY-1")
            (True, 1)
        """
        self.fail(
            operation,
            "stray_answer",
            nth=nth,
            payout_id=payout_id,
            status=status,
            body=body,
            headers=_plain(headers),
            **_late(execute_after),
        )

    def previous_answer(
        self,
        *,
        execute_after: float | timedelta | None = None,
        operation: str = "create_payout",
        nth: int | None = 1,
        payout_id: str | None = None,
    ) -> None:
        """A front end doubles an answer: the previous one of the call's connection goes out again, then the call's own.

        Otherwise as ``stray_answer()``.
        """
        self.fail(operation, "previous_answer", nth=nth, payout_id=payout_id, **_late(execute_after))

    def fail(
        self,
        operation: str,
        effect: str,
        *,
        nth: int | None = 1,
        rate: float | None = None,
        payout_id: str | None = None,
        **details: object,
    ) -> None:
        """Breaks a call in any way that there is. The methods above are the ones that are asked for most.

        ``rate`` in place of ``nth`` breaks each call with this probability, repeatably under the sandbox's seed. The
        first fault that matches a call decides it. A wrong name or detail is an ``InvalidRequestError`` that lists what
        there is.

        Executed are calls with the effects ``delay`` (``ms``), ``hold`` (until the faults are cleared),
        ``execute_then_close``, ``execute_after_close`` (``ms``), ``execute_then_status`` (``status``), ``cut_answer``
        (``at_byte``) and ``gone_for_get`` (``ms``: reads lag).
        Not executed: ``close_before_reading``, ``close_after_reading``, ``status`` (``status``), ``captive_portal``,
        ``redirect`` (``status``), ``not_found``, ``rate_limited`` (``retry_after_secs``), ``unauthorized``,
        ``forbidden``, ``bad_request``, ``rejected`` (``code``, ``uses_id_up``). As said: ``garbage`` (``status``,
        ``execute``) and ``answer`` (``status``, ``headers``, ``body``, ``execute``: exactly that answer). Executed, and
        answered behind an answer that is another call's: ``stray_answer`` (``status``, ``headers``, ``body``,
        ``execute_after_ms``) and ``previous_answer`` (``execute_after_ms``).

            >>> with Sandbox() as sandbox:
            ...     sandbox.fail("create_payout", "execute_then_status", status=502)
            ...     sandbox.fail("get_payout", "delay", ms=20, nth=None)
            ...     sandbox.fail("get_payout", "explode")
            Traceback (most recent call last):
            komopay.errors.InvalidRequestError: fault: unknown variant `explode`, expected one of `delay`, ...
        """
        when: dict[str, object] = {"operation": operation, "on": _on(nth, rate)}
        if payout_id is not None:
            when["payout_id"] = payout_id
        self._gateway.inject(_fault(when, effect, details))

    def clear_faults(self) -> None:
        """Breaks nothing any more, callbacks included. What already happened stays."""
        self._gateway.clear_faults()

    def set_merchant_active(self, active: bool) -> None:
        """Switches the merchant off, so that every token is refused with ``MERCHANT_INACTIVE``, or on again."""
        self._gateway.set_merchant_active(active)

    # The end.

    def stop(self) -> None:
        """Ends it, at once: a call that is not just being answered is cut. Ledger and balances stay readable."""
        self._gateway.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if not hasattr(self, "_merchant_code"):
            return "Sandbox(not made)"
        return f"Sandbox(base_url={self._base_url!r}, merchant_code={self._merchant_code!r})"


def _plain(headers: Mapping[str, str] | None) -> object:
    if headers is None:
        return {}
    # What it is otherwise, the gateway refuses.
    return dict(headers) if isinstance(headers, Mapping) else headers  # pyright: ignore[reportUnnecessaryIsInstance]


def _milliseconds(name: str, time: float | timedelta) -> int:
    return _Argument(name).microseconds(time) // 1000


def _late(execute_after: float | timedelta | None) -> dict[str, int]:
    return {} if execute_after is None else {"execute_after_ms": _milliseconds("execute_after", execute_after)}


def _fault(when: dict[str, object], effect: str, details: dict[str, object]) -> str:
    """A fault as the control API says it."""
    try:
        return json.dumps({"when": when, "effect": {"type": effect, **details}})
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"fault: cannot be told to the gateway: {error}", field="fault") from None


def _on(nth: int | None, rate: float | None) -> object:
    """Which of the calls or attempts a fault decides, as the control API says it."""
    if rate is not None:
        return {"rate": rate}
    return "always" if nth is None else {"nth": nth}


def account_number(*, status: str | None = None, failure: str | None = None) -> str:
    """An account number with which a payout ends as wanted. For a method with an ``@``, put one behind it.

        >>> account_number(failure="INVALID_ACCOUNT_NUMBER")
        '9000000019'
        >>> account_number(status="REFUSED")
        '9000000033'
        >>> account_number(status="PROCESSING")  # for ever
        '9000000099'
        >>> account_number()  # any other ends SUCCESS
        '11223344'

    With ``failure`` alone the status is FAILED. What the sandbox cannot do is an ``InvalidRequestError`` that
    lists what it can.
    """
    for name, value in {"status": status, "failure": failure}.items():
        if not isinstance(value, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError(f"{name}: must be a str, not {type(value).__qualname__}", field=name)
    if failure is None and status in (None, "SUCCESS"):
        return "11223344"
    numbers = _native.magic_numbers()
    wanted = status or "FAILED"
    fitting = {reason: digits for digits, ends, reason in numbers if ends == wanted}
    if failure in fitting:
        return fitting[failure]
    if failure is None and fitting:
        return next(iter(fitting.values()))
    can = ", ".join(ends if reason is None else f"{ends} {reason}" for _, ends, reason in numbers)
    raise InvalidRequestError(f"status: no account number ends like this; there is SUCCESS, {can}", field="status")
