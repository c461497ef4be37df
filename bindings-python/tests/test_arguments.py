"""Whatever is given to whatever is public: it is taken, or it is an error of this package that names the argument."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import pickle
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import dateutil.tz
import pytest
import pytz
from conftest import documented_request
from samples import VALUES

import komopay
from komopay import (
    AccessScope,
    AsyncClient,
    BankAccount,
    Client,
    ConfigurationError,
    CryptoAccount,
    FailureReason,
    IncludePersonal,
    InvalidCallbackError,
    InvalidRequestError,
    KomopayError,
    Money,
    OutcomeUnknownError,
    Payout,
    WalletAccount,
    testing,
)

HALF = "Siti \ud83d"
"""A text that cannot be encoded."""


class Refuses:
    """Raises whatever it is asked."""

    def __refuse(self, *_: object) -> NoReturn:
        raise LookupError("secret-canary")

    __str__ = __repr__ = __index__ = __float__ = __int__ = __bool__ = __len__ = __iter__ = __fspath__ = __refuse
    __hash__ = __eq__ = __getitem__ = __format__ = __refuse


class Text(str):
    """Says that it is another text than it is."""

    def __str__(self) -> str:
        return HALF

    __repr__ = __str__


class Number(int):
    def __format__(self, spec: str) -> str:
        return HALF

    def __str__(self) -> str:
        return HALF

    __repr__ = __str__


class Amount(Decimal):
    def __str__(self, *_: object) -> str:
        return HALF

    __repr__ = __str__


class Like:
    """A number as other libraries have them."""

    def __index__(self) -> int:
        return 5

    def __float__(self) -> float:
        return 5.0


class Zone(tzinfo):
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def utcoffset(self, moment: datetime | None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def tzname(self, moment: datetime | None) -> str:
        return HALF

    def dst(self, moment: datetime | None) -> None:
        return None


class Moment(datetime):
    """As pandas' NaT: a datetime that is none."""

    def utcoffset(self) -> Any:
        return HALF


class NoMoment(datetime):
    year: Any = property(lambda self: math.nan)


def odd() -> Iterator[object]:
    yield from (None, True, False, 0, 5, -1, 2**16, 2**32, 2**64, 10**30, 10**5000, -(10**5000), Number(5), Like())
    yield from (0.0, 1.5, -1.5, 1e300, math.nan, math.inf, -math.inf, 1j, Fraction(1, 3))
    yield from (Decimal(1), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1E+9999"), Amount("1.5"))
    yield from ("", " ", "x", "5", "1.5", HALF, "\udcff", "a\nb", "\0", "é", "x" * 100_000, Text("A-1"), Text(HALF))
    yield from (b"", b"bytes", bytearray(b"x"), memoryview(b"x"))
    yield from ([], [5], ["\ud83d"], [None], (1,))
    yield from ({}, {"IDR": None}, {"IDR": math.nan}, {HALF: 1}, {5: 5}, {"idr": "1"})
    yield from (set(), range(3), object(), ..., Refuses(), Refuses, Money, BankAccount)
    yield from (Money("1", "IDR"), BankAccount(name=HALF[:4], number="1"), Path("x"), Path(HALF), Exception("x"))
    moment = datetime(2030, 1, 1)
    yield from (date(2030, 1, 1), moment, datetime.max, datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))))
    spans = (timedelta(days=2), timedelta(hours=7, microseconds=1))
    for answer in (None, "x", *spans, ValueError(HALF), TypeError(), Refuses()):
        yield moment.replace(tzinfo=Zone(answer))
    yield from (Moment(2030, 1, 1), Moment(2030, 1, 1, tzinfo=timezone.utc), NoMoment(2030, 1, 1, tzinfo=timezone.utc))
    yield from (timedelta(), timedelta(-1), timedelta.max, timedelta(microseconds=1))


ODD = list(odd())

LOOP = asyncio.new_event_loop()

MOMENT = datetime(2030, 1, 1, tzinfo=timezone.utc)
PAYOUT = Payout(payout_id="A-1", money=Money("1", "IDR"), method_code="M", status="SUCCESS")

# What else is needed, or else another argument would be refused first.
NEEDED: dict[str, Any] = {
    "amount": "1",
    "currency": "IDR",
    "money": Money("1", "IDR"),
    "method": documented_request().method,
    "operator_code": "BNK_000",
    "name": "Siti",
    "number": "1",
    "payout_id": "A-1",
    "request": documented_request(),
    "timeout": 1,
    "key": b"k" * 16,
    "stored": "x",
    "method_code": "M",
    "status": "SUCCESS",
    "code": "C",
    "started_at": MOMENT,
    "duration": timedelta(1),
    "verified": True,
    "sequence": 1,
    "payout": PAYOUT,
    "base": "https://shop.example/hook",
    "body": b'{"idEntity": "A-1"}',
    "url": "/hook",
    "scope": AccessScope.read("A-1"),
    "operations": ["GET /balances"],
    "base_url": "http://127.0.0.1:1",
    "path": "changes.sqlite",
    "operation": "create_payout",
    "payout_ids": ["TST-1"],
    "effect": "delay",
    "time": 0.1,
    "active": True,
}
ACCOUNTS = {
    "BankTransfer": BankAccount(name="Siti", number="1"),
    "CryptoTransfer": CryptoAccount(number="1"),
    "WalletTransfer": WalletAccount(number="a@b"),
}

# Where the error names what the argument is for, and not the argument.
ALSO_NAMED = {
    "base": "callback_url",
    "path": "change_store",
    "failure": "status",
    "token": "merchant_code",
    "total_timeout": "attempt_timeout",
    "is_test": "base_url",
    "backoff_base": "backoff_cap",
    "url": "signature",
    "payout_ids": "payout_id",
}


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Everything that takes arguments, by its name. Exceptions are made by the SDK, and codes are texts."""
    items = {name: getattr(komopay, name) for name in komopay.__all__}
    classes = {
        name: item
        for name, item in items.items()
        if inspect.isclass(item) and not issubclass(item, (KomopayError, str, IncludePersonal))
    }
    # The catalogue's values only come out. They are plain dataclasses, which look at nothing.
    classes = {name: item for name, item in classes.items() if not is_dataclass(item)}
    for name, item in {**classes, "testing.Sandbox": testing.Sandbox}.items():
        if name not in ("AccessScope", "AccessToken"):
            yield name, item
        for member in vars(item):
            # Those are given the settings of the constructor, or its fields.
            is_public = not member.startswith("_") and callable(getattr(item, member))
            if is_public and member not in ("from_env", "client", "async_client", "replace"):
                yield f"{name}.{member}", getattr(item, member)
    yield "testing.account_number", testing.account_number


def bare(name: str) -> Any:
    """Whose method it is. A client is closed: what gets so far sends nothing, and is told so at once."""
    match name.split("."):
        case ["Client", _]:
            client = Client(token="t", base_url="http://127.0.0.1:1", callback_keys=["k" * 32])
            client.close()
            return client
        case ["AsyncClient", _]:
            looped = AsyncClient(token="t", base_url="http://127.0.0.1:1", callback_keys=["k" * 32])
            LOOP.run_until_complete(looped.close())
            return looped
        case ["testing", "Sandbox", _]:
            return testing.Sandbox()
        case ["AccessScope", "payout" | "read" | "operations"]:
            return None
        case [value, _]:
            return VALUES.get(value)
    return None


def attempt(call: Callable[..., Any], *given: object, **known: object) -> None:
    made = call(*given, **known)
    if inspect.iscoroutine(made):
        LOOP.run_until_complete(made)
    elif inspect.isasyncgen(made):
        LOOP.run_until_complete(made.__anext__())
    elif isinstance(made, testing.Sandbox):
        made.stop()


@pytest.mark.parametrize("name", dict(public()))
def test_what_is_given_is_taken_or_refused_by_its_name(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    call, holder = dict(public())[name], bare(name)
    parameters = inspect.signature(call).parameters
    needed = {
        each: NEEDED.get(each) for each, told in parameters.items() if told.default is told.empty and each in NEEDED
    }
    if name in ACCOUNTS:
        needed["account"] = ACCOUNTS[name]
    if name == "FailureReason":
        needed["code"] = "C"
    surprises = []
    for argument, told in parameters.items():
        if argument == "self":
            continue
        others = {each: value for each, value in needed.items() if each != argument}
        if name in ("Client", "AsyncClient") and argument not in ("merchant_code", "secret"):
            others = {**others, "token": "t"} if argument != "token" else others
        elif name in ("Client", "AsyncClient"):
            others |= {"secret" if argument == "merchant_code" else "merchant_code": "S"}
        for value in ODD:
            member = inspect.getattr_static(type(holder), name.split(".")[-1], None)
            # What belongs to the class is bound already.
            is_bound = isinstance(member, staticmethod) or inspect.isclass(getattr(call, "__self__", None))
            bound = [] if holder is None or is_bound else [holder]
            try:
                if told.kind is told.VAR_POSITIONAL:
                    attempt(call, *bound, value)
                elif told.kind is told.VAR_KEYWORD:
                    attempt(call, *bound, **others, ms=value)
                else:
                    attempt(call, *bound, **others, **{argument: value})
            except (InvalidRequestError, ConfigurationError, InvalidCallbackError) as error:
                named = (error.field or "").split(".")[-1]
                fits = named in (argument, ALSO_NAMED.get(argument))
                fits = fits or (name.startswith("testing.Sandbox.") and named == "fault")
                fits = fits or (name == "PostgresChangeStore" and named == "change_store")
                # Of data, the field is named that is wrong in them.
                fits = fits or name.endswith((".from_dict", ".from_json"))
                told_so = str(error).encode() and pickle.loads(pickle.dumps(error)).field == error.field
                if not fits or not told_so or "canary" in str(error):
                    surprises.append(f"{argument}={type(value).__name__}: {error!r} of {error.field}")
            except KomopayError:
                pass  # It was taken.
            except (KeyError, OSError) as error:
                # No such payout or account; no such port.
                if not name.startswith("testing.Sandbox"):
                    surprises.append(f"{argument}={type(value).__name__}: {error!r}")
            except BaseException as error:  # noqa: BLE001: also a panic
                surprises.append(f"{argument}={type(value).__name__}: {type(error).__name__} {str(error)[:200]!r}")
    if isinstance(holder, testing.Sandbox):
        holder.stop()
    assert not surprises, "\n".join(dict.fromkeys(surprises))


LATER = datetime(2099, 1, 1, 12)
JAKARTA = timezone(timedelta(hours=7))


class Elsewhere(datetime):
    """As pandas' own: it says its offset itself."""

    def utcoffset(self) -> timedelta:
        return timedelta(hours=7)


@pytest.mark.parametrize(
    "moment",
    [
        pytz.timezone("Asia/Jakarta").localize(LATER),
        LATER.replace(tzinfo=dateutil.tz.gettz("Asia/Jakarta")),
        LATER.replace(tzinfo=dateutil.tz.tzoffset("odd", 7 * 3600)),
        LATER.replace(tzinfo=zoneinfo.ZoneInfo("Asia/Jakarta")),
        LATER.replace(tzinfo=JAKARTA),
        LATER.replace(tzinfo=Zone(timedelta(hours=7))),
        Elsewhere(2099, 1, 1, 12),
        LATER.replace(tzinfo=JAKARTA).astimezone(pytz.utc),
        # Half a second is of no use to a URL, which has whole ones.
        (LATER + timedelta(microseconds=500_000)).replace(tzinfo=Zone(timedelta(hours=7, microseconds=500_000))),
    ],
    ids=lambda moment: f"{type(moment).__name__} {type(moment.tzinfo).__name__}",
)
def test_a_moment_may_have_any_time_zone_that_answers(moment: datetime) -> None:
    with Client(token="t", base_url="http://127.0.0.1:1", callback_keys=["k" * 32]) as client:
        url = client.callback_url("https://shop.example/hook", "A-1", expires_at=moment)
        assert f"/1.{int(LATER.replace(tzinfo=JAKARTA).timestamp())}." in url
    assert FailureReason(code="C", failed_at=moment).failed_at == LATER.replace(tzinfo=JAKARTA)


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        (LATER, "give for example datetime.now"),
        (LATER.replace(tzinfo=Zone(None)), "give for example datetime.now"),
        (LATER.replace(tzinfo=Zone(LookupError("canary"))), r"utcoffset\(\) raised LookupError"),
        (LATER.replace(tzinfo=Zone("x")), r"utcoffset\(\) raised TypeError"),
        (Moment(2099, 1, 1), r"utcoffset\(\) answered str, not a timedelta"),
        (NoMoment(2099, 1, 1, tzinfo=timezone.utc), "is not a time"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))), "the last one is in the year 9999"),
        (date(2099, 1, 1), "must be a datetime with a time zone, not date"),
    ],
)
def test_a_moment_that_is_none_is_refused_with_what_to_do(moment: Any, says: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"failed_at: .*{says}") as refused:
        FailureReason(code="C", failed_at=moment)
    assert "canary" not in str(refused.value)


def test_a_text_that_cannot_be_sent_is_refused_with_the_place() -> None:
    with pytest.raises(InvalidRequestError, match=r"name: holds half of a character at index 5 .*was cut") as refused:
        BankAccount(name=HALF, number="1")
    assert refused.value.field == "method.account.name"
    assert refused.value.__cause__ is None and refused.value.__context__ is None, "that would show the whole text"


def test_what_is_no_request_never_says_that_an_earlier_call_did_nothing() -> None:
    no_request: Any = None

    async def resumed() -> None:
        async with AsyncClient(token="t", base_url="http://127.0.0.1:1") as client:
            await client.create_payout("TST-1", no_request, resume=True)

    with Client(token="t", base_url="http://127.0.0.1:1") as client:
        for call in (
            lambda: client.create_payout("TST-1", no_request, resume=True),
            lambda: LOOP.run_until_complete(resumed()),
        ):
            with pytest.raises(OutcomeUnknownError, match="may have been made: request: must be a PayoutRequest") as it:
                call()
            assert it.value.payout_id == "TST-1"
        with pytest.raises(InvalidRequestError, match="request: must be a PayoutRequest"):
            client.create_payout("TST-1", no_request)


def test_a_number_is_no_text_and_a_text_no_number() -> None:
    with pytest.raises(InvalidRequestError, match="method.account.number: must be a str, not int"):
        BankAccount(name="Siti", number=112)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="total_timeout: must be a number of seconds or a timedelta, not str"):
        Client(token="t", base_url="http://127.0.0.1:1", total_timeout="90")  # type: ignore[arg-type]


def test_what_a_subclass_makes_of_itself_does_not_count() -> None:
    assert Money(Amount("1.5"), "USD") == Money("1.5", "USD") and Money(Number(5), Text("USD")) == Money("5", "USD")
    assert BankAccount(name=Text("Siti"), number="1").name == "Siti"


@pytest.mark.skipif(os.name == "nt", reason="an environment there is text")
@pytest.mark.parametrize(
    "name", ["KOMOPAY_BASE_URL", "KOMOPAY_MERCHANT_CODE", "KOMOPAY_SECRET", "KOMOPAY_CALLBACK_KEYS"]
)
def test_a_variable_that_is_no_text_is_refused_by_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("KOMOPAY_BASE_URL", "KOMOPAY_MERCHANT_CODE", "KOMOPAY_SECRET"):
        monkeypatch.setenv(each, "x")
    monkeypatch.setenv(name, os.fsdecode(b"canary \xff"))
    with pytest.raises(ConfigurationError, match=f"{name}: holds half of a character at index 7") as refused:
        Client.from_env()
    assert refused.value.field == name and "canary" not in str(refused.value)
