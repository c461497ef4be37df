"""The exceptions of komopay: one class per kind of the error table, all of them a KomopayError.

What a kind means, whether the call may be made again and whether money may have moved is defined once for all
languages; the classes here only carry it.
"""

from __future__ import annotations

from komopay._native import Attempt, Payout, Reason, _Argument, _error_kinds, _json, _read_error

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from typing import ClassVar

    from typing_extensions import Self

    from komopay._opaque import Opaque
    from komopay.codes import Concern, ErrorKind
else:
    # What that is: one import less.
    from komopay._native import _Opaque as Opaque

__all__ = [
    "AuthenticationError",
    "ClosedError",
    "ConfigurationError",
    "DuplicatePayoutError",
    "InternalError",
    "InvalidCallbackError",
    "InvalidRequestError",
    "KomopayError",
    "NotFinalError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "RateLimitedError",
    "RejectedError",
    "TimedOutError",
    "UnavailableError",
    "UnexpectedResponseError",
]

_CLASSES: dict[str, type[KomopayError]] = {}
_TABLE = {name: (kind, retryable, moved) for name, kind, retryable, moved in _error_kinds()}


class _Kind:
    """The kind of an exception's class, looked up when it is asked for: to import the codes takes a third of the time
    that importing this package takes."""

    def __get__(self, _error: KomopayError | None, cls: type[KomopayError]) -> ErrorKind:
        from komopay.codes import ErrorKind

        return ErrorKind(cls._kind)


def _concern(concerns: str) -> Concern:
    from komopay.codes import Concern

    return Concern(concerns)


class KomopayError(Exception):
    """Whatever went wrong in a call. It never holds a secret, a token or an account number, so it can be logged.

    ``kind``, ``retryable`` and ``money_may_have_moved`` say what to do next; they belong to the class.
    ``money_may_have_moved`` means that a payout under this id exists or may exist.

    Example:

        >>> with Client.from_env() as client:
        ...     try:
        ...         client.get_payout("TST-0")
        ...     except KomopayError as error:
        ...         print(error.kind, error.retryable, error.money_may_have_moved)
        not_found False False
    """

    kind: ClassVar[ErrorKind] = _Kind()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    """The name of the kind, the same in every language, such as ``outcome_unknown``."""
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed if it is made again later (after ``outcome_unknown``: with ``resume=True``)."""
    money_may_have_moved: ClassVar[bool] = False
    """Whether a payout under this id exists or may exist. ``False`` on a read: this read moved nothing."""

    _kind: ClassVar[str] = "internal"

    message: str
    """The text for people. It may change between versions: decide by the class."""
    http_status: int | None
    """The HTTP status of the answer that decided the call, if one came."""
    callback_status: int
    """The HTTP status to answer a callback with when ``handle_callback`` raised this: never 200, after which the
    platform would not repeat it. 500 of an exception that was made in Python."""
    field: str | None
    """The field or setting that is at fault, if one is known, such as ``money.amount``."""
    reasons: tuple[Reason, ...]
    """The entries of a 406 answer."""
    payout_id: str | None
    """The payout the call was about."""
    attempts: tuple[Attempt, ...]
    """The requests this call made, oldest first."""
    concerns: Concern | None
    """Whom this concerns. ``"merchant"``: the merchant, its credentials or the settings, so that every other payout
    would meet it as well: stop, mend that, and make the same calls again. ``"payout"``: this payout alone. ``None``:
    neither can be said; it may pass, or what came of it is not known."""
    retry_after: timedelta | None
    """How long the platform asked to wait, if it did."""
    payout: Payout | None
    """The payout that was found (DuplicatePayoutError) or last seen (NotFinalError)."""
    cause: KomopayError | None
    """The error behind this one, also as ``__cause__``."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__name__ in _TABLE and cls.__module__ == __name__:
            cls._kind, cls.retryable, cls.money_may_have_moved = _TABLE[cls.__name__]
            _CLASSES[cls._kind] = cls

    def __init__(
        self,
        message: str = "",
        data: Mapping[str, object] | None = None,
        *,
        http_status: int | None = None,
        field: str | None = None,
        reasons: Iterable[Reason] = (),
        payout_id: str | None = None,
        attempts: Iterable[Attempt] = (),
        retry_after: timedelta | None = None,
        payout: Payout | None = None,
        cause: KomopayError | None = None,
        callback_status: int = 500,
        concerns: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.callback_status = callback_status
        self.concerns = None if concerns is None else _concern(concerns)
        self.field = field
        self.reasons = tuple(reasons)
        self.payout_id = payout_id
        self.attempts = tuple(attempts)
        self.retry_after = retry_after
        self.payout = payout
        self.cause = cause
        if cause is not None:
            self.__cause__ = cause
        if data is not None:
            # All of it stands there: see `args`.
            self.__setstate__(vars(type(self).from_dict(data)))

    def _arguments(self) -> tuple[str, dict[str, object]]:
        """What makes this error again, as Python says: ``type(error)(*error.args)``. It is the message, and `to_dict`.

        So tools that keep nothing else of an exception, such as Celery with JSON, give it back whole.
        """
        return self.message, self.to_dict()

    if not TYPE_CHECKING:
        # To type checkers it is what it is of every exception. Python itself shows an exception by those of the base.
        args = property(_arguments, BaseException.args.__set__)

    def to_dict(self, *, include_personal: bool = False) -> dict[str, object]:
        """This error as plain data, which JSON can hold, with the errors behind it. `from_dict` gives it back.

        An error holds no personal data. Only the ``raw`` of its payout is left out without ``include_personal=True``.

        Example:

            >>> error = NotFoundError("no such payout", payout_id="TST-0", http_status=410)
            >>> error.to_dict()["kind"], error.to_dict()["payout_id"]
            ('not_found', 'TST-0')
        """
        asked = _Argument("include_personal").truth(include_personal)
        payout, cause = self.payout, self.cause
        return {
            "kind": str(self.kind),
            "retryable": self.retryable,
            "money_may_have_moved": self.money_may_have_moved,
            "message": self.message,
            "http_status": self.http_status,
            "callback_status": self.callback_status,
            "field": self.field,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "payout_id": self.payout_id,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "concerns": None if self.concerns is None else str(self.concerns),
            "retry_after": None if self.retry_after is None else self.retry_after.total_seconds(),
            "payout": None if payout is None else payout.to_dict(include_personal=asked),
            "cause": None if cause is None else cause.to_dict(include_personal=asked),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """The error of plain data, as `to_dict` gives it: of the class of its kind, or of this one.

        A kind that this version does not know is a `KomopayError` that says of itself what the data say. Fields that
        are not known are passed over.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> error = NotFoundError("no such payout", payout_id="TST-0")
            >>> twin = KomopayError.from_dict(error.to_dict())
            >>> type(twin).__name__, twin.payout_id
            ('NotFoundError', 'TST-0')
        """
        from komopay.codes import ErrorKind

        read = Opaque(_read_error, data)
        del data
        name, retryable, moved, message, cause, known = read()
        kind = ErrorKind(name)
        its_class = _CLASSES.get(kind, KomopayError)
        if not issubclass(cls, its_class) and not issubclass(its_class, cls):
            problem = f"is that of a {its_class.__name__}, not of a {cls.__name__}; use KomopayError.from_dict"
            raise _Argument("kind").refusal(problem)
        error = (cls if issubclass(cls, its_class) else its_class)(message)
        concerns = known["concerns"]
        known["concerns"] = _concern(concerns) if isinstance(concerns, str) else None
        known["cause"] = None if cause is None else KomopayError.from_dict(cause)
        if not kind.is_known:
            known |= {"kind": kind, "retryable": retryable, "money_may_have_moved": moved}
        error.__setstate__(known)
        return error  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    def to_json(self, *, include_personal: bool = False) -> str:
        """The JSON of `to_dict`.

        Example:

            >>> '"kind": "not_found"' in NotFoundError("no such payout").to_json()
            True
        """
        import json

        return json.dumps(self.to_dict(include_personal=include_personal))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The error of JSON, as `from_dict`.

        Example:

            >>> KomopayError.from_json(NotFoundError("no such payout").to_json()).kind
            'not_found'
        """
        read = Opaque(_json, text)
        del text
        return cls.from_dict(read())

    def __reduce__(self) -> tuple[type[KomopayError], tuple[str], dict[str, object]]:
        # Explicit, since the built-in exceptions among the bases differ in theirs.
        return type(self), (self.message,), self.__dict__.copy()

    def __setstate__(self, state: dict[str, object] | None) -> None:
        self.__dict__.update(state or {})
        if self.cause is not None:
            self.__cause__ = self.cause


class ConfigurationError(KomopayError, ValueError):
    """Unusable settings, or a server certificate that does not verify.

    Example:

        >>> try:
        ...     Client(base_url="http://api.komopay.id", token="t")
        ... except ConfigurationError as error:
        ...     print(error.field)
        base_url
    """


class InvalidRequestError(KomopayError, ValueError):
    """Refused before sending, naming the field; or HTTP 400.

    Example:

        >>> with Client.from_env() as client:
        ...     try:
        ...         client.get_payout("no such id!")
        ...     except InvalidRequestError as error:
        ...         print(error.field)
        payout_id
    """


class AuthenticationError(KomopayError):
    """The credentials or the token were not accepted.

    Example:

        >>> with Client.from_env(secret="wrong") as client:
        ...     try:
        ...         client.currencies()
        ...     except AuthenticationError as error:
        ...         print(error.http_status, error.retryable)
        403 False
    """


class PermissionDeniedError(KomopayError):
    """The token does not allow this call.

    Example:

        >>> with Client.from_env() as client:
        ...     token = client.issue_token(AccessScope.operations(["GET /currencies"]))
        >>> with Client.from_env(token=token.expose()) as app:
        ...     try:
        ...         app.balances()
        ...     except PermissionDeniedError as error:
        ...         print(error.kind)
        permission_denied
    """


class RejectedError(KomopayError):
    """A business rule said no (HTTP 406): see ``reasons``.

    Example:

        >>> request = PayoutRequest(
        ...     money=Money("999999999999999", "IDR"),
        ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
        >>> with Client.from_env() as client:
        ...     try:
        ...         client.create_payout("TST-1", request)
        ...     except RejectedError as error:
        ...         print("BALANCE_INSUFFICIENT" in [reason.code for reason in error.reasons])
        True
    """


class DuplicatePayoutError(KomopayError):
    """The id is taken by a payout that is not provably this call's. ``payout`` is what was found, if anything.

    Example:

        >>> request = PayoutRequest(
        ...     money=Money("10000", "IDR"),
        ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
        >>> with Client.from_env() as client:
        ...     accepted = client.create_payout("TST-1", request)
        ...     try:
        ...         client.create_payout("TST-1", request)  # without resume=True
        ...     except DuplicatePayoutError as error:
        ...         print(error.payout.money if error.payout else "nothing was found")
        10000 IDR
    """


class NotFoundError(KomopayError):
    """No such thing on the platform.

    Example:

        >>> with Client.from_env() as client:
        ...     try:
        ...         client.get_payout("TST-0")
        ...     except NotFoundError as error:
        ...         print(error.payout_id, error.http_status)
        TST-0 410
    """


class RateLimitedError(KomopayError):
    """Too many requests, and no time left to wait.

    Example:

        >>> error = RateLimitedError("slow down", retry_after=timedelta(seconds=3))
        >>> error.retryable, error.retry_after
        (True, datetime.timedelta(seconds=3))
    """


class UnavailableError(KomopayError, ConnectionError):
    """The platform could not be reached, or answered a read with a server fault; or the store of changes failed.

    Example:

        >>> with Client(base_url="http://127.0.0.1:1", token="t", read_attempts=1) as client:
        ...     try:
        ...         client.currencies()
        ...     except ConnectionError as error:
        ...         print(type(error).__name__)
        UnavailableError
    """


class TimedOutError(KomopayError, TimeoutError):
    """The deadline passed, and nothing was sent or it was a read.

    Example:

        >>> issubclass(TimedOutError, TimeoutError), TimedOutError.retryable
        (True, True)
    """


class NotFinalError(KomopayError):
    """``wait_for_payout`` ran out of time. ``payout`` is the last one seen, if any.

    Example:

        >>> request = PayoutRequest(
        ...     money=Money("10000", "IDR"),
        ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="9000000099")))
        >>> with Client.from_env() as client:
        ...     accepted = client.create_payout("TST-1", request)
        ...     try:
        ...         client.wait_for_payout("TST-1", timeout=0.1)
        ...     except NotFinalError as error:
        ...         print(error.payout.status if error.payout else "not seen")
        PROCESSING
    """


class UnexpectedResponseError(KomopayError):
    """An answer, not to a create, that cannot be understood.

    Example:

        >>> UnexpectedResponseError.kind, UnexpectedResponseError.retryable
        ('unexpected_response', False)
    """


class OutcomeUnknownError(KomopayError):
    """A create may have reached the platform and could not be settled in time.

    The payout may exist. Call again with the same id, the same request and ``resume=True``.

    Example:

        >>> def pay(client: Client, payout_id: str, request: PayoutRequest, tried: bool) -> None:
        ...     try:
        ...         client.create_payout(payout_id, request, resume=tried)
        ...     except OutcomeUnknownError as error:
        ...         print(f"try {error.payout_id} again later, with resume=True")
        >>> OutcomeUnknownError.money_may_have_moved
        True
    """


class InvalidCallbackError(KomopayError, ValueError):
    """A callback that is refused: ``field`` tells what of it is wrong.

    ``body``, ``body_size`` or ``url`` if it cannot be read, ``signature`` if its URL was not signed for this payout,
    ``expires_at`` if the URL has expired.

    Example:

        >>> issubclass(InvalidCallbackError, ValueError), InvalidCallbackError.retryable
        (True, False)
    """


class ClosedError(KomopayError):
    """The client was closed.

    Example:

        >>> client = Client.from_env()
        >>> client.close()
        >>> try:
        ...     client.currencies()
        ... except ClosedError as error:
        ...     print(error)
        the client was closed
    """


class InternalError(KomopayError):
    """A fault of this SDK.

    Example:

        >>> issubclass(InternalError, Exception)  # never a bare BaseException, also for a panic
        True
    """
