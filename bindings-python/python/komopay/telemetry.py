"""What calls tell of themselves as they begin and end: for traces, metrics, and whatever else is counted.

`komopay.otel` is one hook, for OpenTelemetry. One of your own is an object with a method `call_started`:

    >>> from komopay.telemetry import CallAttempt, CallEnded, set_telemetry
    >>> class Printed:
    ...     headers: dict[str, str] = {}
    ...     def call_started(self, operation: str) -> "Printed":
    ...         return self
    ...     def attempted(self, request: CallAttempt) -> None:
    ...         print(request.attempt.operation, request.attempt.http_status)
    ...     def ended(self, call: CallEnded) -> None:
    ...         print(call.operation, call.outcome, call.attempts, call.retries)
    >>> set_telemetry(Printed())
    >>> with Client.from_env() as client:
    ...     currencies = client.currencies()
    POST /auth-tokens 200
    GET /currencies 200
    currencies done 2 0
    >>> set_telemetry(None)

It is told in the caller's thread or asyncio task, with its context variables, before the call returns. What it raises
is reported as Python reports what nobody can catch (`sys.unraisablehook`), and ends no call. Nothing that it is told is
secret, a token, or of an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from komopay._native import _set_telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from komopay._native import Attempt

__all__ = ["CallAttempt", "CallEnded", "CallTelemetry", "Telemetry", "set_telemetry"]


@dataclass(frozen=True)
class CallAttempt:
    """One request of a call, which has ended. One that several calls share is told to the one that made it.

    Example:

        >>> from komopay.telemetry import CallAttempt
        >>> [field for field in CallAttempt.__annotations__]
        ['number', 'resend_count', 'url', 'attempt', 'error']
    """

    number: int
    """Which request of the call it is, from 1 on."""
    resend_count: int
    """How many times the call had sent this request before."""
    url: str
    """Where it was sent: the base URL with the path. It has no user name, no password, and no query."""
    attempt: Attempt
    """The request: what, when, how long, the answer's status and the platform's id of it."""
    error: str | None
    """Why no answer came, if none did: the kind of error that means."""


@dataclass(frozen=True)
class CallEnded:
    """A call that has ended, or whose caller has left.

    Example:

        >>> from komopay.telemetry import CallEnded
        >>> [field for field in CallEnded.__annotations__]
        ['operation', 'payout_id', 'started_at', 'duration', 'attempts', 'retries', 'throttled', 'outcome']
    """

    operation: str
    """The method of the client, such as `create_payout`."""
    payout_id: str | None
    """The payout that it is about, if it is about one."""
    started_at: datetime
    """When it began."""
    duration: timedelta
    """How long it took."""
    attempts: int
    """How many requests were made for it."""
    retries: int
    """How many of them repeated an earlier one."""
    throttled: timedelta
    """For how long it was held back by the client's own throttle."""
    outcome: str
    """`done`, `recovered` (a create whose answer was lost), `abandoned`, or the kind of its error."""


class CallTelemetry(Protocol):
    """What a hook knows of one call."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for each request of the call, such as `traceparent`."""
        ...

    def attempted(self, request: CallAttempt, /) -> None:
        """A request of it has ended."""
        ...

    def ended(self, call: CallEnded, /) -> None:
        """It has ended. What is on the wire of a call whose caller left is told to nobody any more."""
        ...


class Telemetry(Protocol):
    """A hook."""

    def call_started(self, operation: str, /) -> CallTelemetry | None:
        """A call of this name begins: who is to be told of it, or nobody."""
        ...


def set_telemetry(hook: Telemetry | None) -> None:
    """Tells this hook of the calls of every client that start from now on; nobody, if it is None.

    Example:

        >>> from komopay.telemetry import set_telemetry
        >>> set_telemetry(None)
    """
    _set_telemetry(hook)
