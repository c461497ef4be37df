"""Money: sums, orders, formats, and the numbers of numpy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import ANY

import numpy
import pytest
from typing_extensions import assert_type

from komopay import Client, InvalidRequestError, Money


def idr(amount: str | int | Decimal) -> Money:
    return Money(amount, "IDR")


def usd(amount: str | int | Decimal) -> Money:
    return Money(amount, "USD")


def test_money_is_added_and_subtracted_exactly() -> None:
    assert usd("0.1") + usd("0.2") == usd("0.3")
    assert str(usd("42.00") + usd("1")) == "43.00 USD"
    assert usd("0.1") - usd("0.3") == usd("-0.2") == -usd("0.2")
    assert str(-usd("0.00")) == "0.00 USD"
    money = idr(1)
    money += idr(2)
    assert money == idr(3)


def test_money_can_be_summed_up() -> None:
    assert sum([usd("0.1")] * 10) == usd(1)
    assert sum([idr(1), idr(2)], idr(3)) == idr(6)
    nothing: list[Money] = []
    assert sum(nothing) == 0


def test_type_checkers_know_what_comes_of_money() -> None:
    assert_type(idr(1) + idr(2), Money)
    assert_type(-idr(1), Money)
    assert_type(idr(1) < idr(2), bool)
    assert_type(sum([idr(1)], idr(0)), Money)
    assert_type(idr(1).replace(amount="2"), Money)
    with pytest.raises(TypeError):
        idr(1) + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        idr(1) < "1 IDR"  # type: ignore[operator]


def test_money_is_in_order() -> None:
    assert sorted([idr(3), idr("1.50"), idr(2)]) == [idr("1.5"), idr(2), idr(3)]
    assert idr(1) < idr(2) <= idr("2.00") and idr(2) > idr(1) >= idr("1.0")
    assert not idr(2) < idr("2.00") and not idr(2) > idr("2.00")
    assert max(idr(1), idr(2)) == idr(2)


OPERATIONS: list[Callable[[Any, Any], object]] = [
    operator.add,
    operator.sub,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_two_currencies_are_an_error_that_names_them(operation: Callable[[Any, Any], object]) -> None:
    with pytest.raises(InvalidRequestError, match="money.currency: 1 IDR and 2 USD are two currencies") as refused:
        operation(idr(1), usd(2))
    assert refused.value.field == "money.currency" and isinstance(refused.value, ValueError)
    assert idr(1) != usd(1)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("other", [1, 0.0, 1.5, Decimal(1), "1 IDR", None, True, numpy.int64(1)])
def test_money_and_something_else_have_no_operation(operation: Callable[[Any, Any], object], other: object) -> None:
    for left, right in [(idr(1), other), (other, idr(1))]:
        with pytest.raises(TypeError):
            operation(left, right)


def test_only_the_zero_of_sum_can_be_added() -> None:
    money: Any = idr(1)
    assert 0 + money == money
    zeros: list[Any] = [False, 0.0, Decimal(0), None]
    for zero in zeros:
        with pytest.raises(TypeError):
            zero + money
    with pytest.raises(TypeError):
        money + 0


def test_what_would_be_rounded_is_an_error() -> None:
    most = Money("79228162514264337593543950335", "XTS")
    sums: list[Callable[[], Money]] = [
        lambda: most + Money(1, "XTS"),
        lambda: most + Money("0.5", "XTS"),
        lambda: -most - Money(1, "XTS"),
    ]
    for add in sums:
        with pytest.raises(InvalidRequestError, match="nothing was rounded") as refused:
            add()
        assert refused.value.field == "money.amount"


def test_zero_is_false() -> None:
    assert not idr(0) and not usd("0.00") and not -idr(0)
    assert usd("0.01") and idr(-1)


def test_equality_asks_the_other_side() -> None:
    assert idr(1) == ANY and ANY == idr(1)
    assert idr(1) != 1 and idr(1) != "1 IDR" and not idr(1) == None  # noqa: E711


@pytest.mark.parametrize(
    ("amount", "spec", "shown"),
    [
        ("1234567.5", "", "1234567.5 USD"),
        ("1234567.5", ",", "1,234,567.5 USD"),
        ("1234567.5", ",.2f", "1,234,567.50 USD"),
        ("1234567.50", ".1f", "1234567.5 USD"),
        ("42", ".0f", "42 USD"),
        ("42", ">10", "        42 USD"),
        ("42", ".>10,.2f", ".....42.00 USD"),
        ("-5", "+,", "-5 USD"),
        ("5", "+", "+5 USD"),
    ],
)
def test_a_format_is_that_of_the_amount(amount: str, spec: str, shown: str) -> None:
    assert format(usd(amount), spec) == shown
    assert f"{usd(amount):{spec}}" == shown


@pytest.mark.parametrize("spec", [".1f", ".0f", ".2", ".3g", "e", "%", ".1%", "E", "z.1f"])
def test_a_format_that_would_round_is_refused(spec: str) -> None:
    with pytest.raises(ValueError):
        format(usd("1234.56"), spec)


def test_a_format_that_is_none_is_pythons_own_error() -> None:
    for spec in ("q", ",,", "d"):
        with pytest.raises(ValueError):
            format(usd("1"), spec)


NUMPY: list[Any] = [numpy.int8, numpy.int16, numpy.int32, numpy.int64, numpy.uint8, numpy.uint32, numpy.uint64]


@pytest.mark.parametrize("kind", NUMPY)
def test_the_whole_numbers_of_numpy_are_amounts(kind: Any) -> None:
    assert idr(kind(100)) == idr(100)
    Client(token="t", base_url="http://127.0.0.1:1", max_amount={"IDR": kind(100)}).close()


def test_whole_numbers_of_numpy_are_exact_to_the_last_digit() -> None:
    assert str(Money(numpy.uint64(2**64 - 1), "XTS")) == "18446744073709551615 XTS"
    assert sum(idr(amount) for amount in numpy.array([1, 2, 3])) == idr(6)


@pytest.mark.parametrize(
    "amount",
    [numpy.float64(1), numpy.float32(1), numpy.float16(1), numpy.bool_(True), numpy.array([1, 2]), Fraction(1), 1j],
)
def test_what_is_no_whole_number_of_numpy_is_refused_as_floats_are(amount: Any) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        idr(amount)
    assert refused.value.field == "money.amount"
