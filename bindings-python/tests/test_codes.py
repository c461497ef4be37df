"""Codes: strings of open lists, which come from the core."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import Any, cast

import pytest
from typing_extensions import assert_type

import komopay
from komopay import (
    Concern,
    ErrorKind,
    FailureCode,
    KomopayError,
    MethodCode,
    Money,
    PaymentTypeCode,
    Payout,
    PayoutStatus,
    _native,
)
from komopay._code import Code

LISTS: list[Any] = [Concern, ErrorKind, FailureCode, MethodCode, PaymentTypeCode, PayoutStatus]
CODES = [code for codes in LISTS for code in codes]


def test_every_list_is_here() -> None:
    exported = [getattr(komopay, name) for name in komopay.__all__]
    assert [item for item in exported if isinstance(item, type) and issubclass(item, Code)] == LISTS


def test_the_codes_are_those_of_the_core() -> None:
    assert [kind for _, kind, *_ in _native._error_kinds()] == list(ErrorKind)
    schemas: dict[str, Any] = {name: schema for name, schema, *_ in Payout._fields()}
    for codes, field in [(MethodCode, "method_code"), (PayoutStatus, "status")]:
        assert list(codes) == schemas[field]["examples"]
    reason: dict[str, Any] = {name: schema for name, schema, *_ in komopay.FailureReason._fields()}
    assert list(FailureCode) == reason["code"]["examples"] and len(FailureCode) == 21
    assert list(PaymentTypeCode) == ["PAYIN", "PAYOUT"] and list(Concern) == ["merchant", "payout"]


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_its_text_and_always_the_same_object(code: Any) -> None:
    codes = cast("Any", type(code))
    text = str(code)
    assert type(text) is str and code == text and hash(code) == hash(text) and repr(code) == repr(text)
    assert f"{code}" == text and json.dumps({code: code}) == json.dumps({text: text})
    assert {text: 1}[code] == 1 and code in codes and text in codes and code.is_known
    twins = [codes(text), codes(code), copy.copy(code), copy.deepcopy(code), getattr(codes, text.upper())]
    twins += [pickle.loads(pickle.dumps(code, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    assert all(twin is code for twin in twins)


@pytest.mark.parametrize("codes", LISTS)
def test_a_code_that_is_not_known_is_kept(codes: Any) -> None:
    new = codes("ON_HOLD")
    assert new == "ON_HOLD" and isinstance(new, codes) and not new.is_known and new not in codes
    assert "ON_HOLD" not in list(codes)
    twin = pickle.loads(pickle.dumps(new))
    assert twin == new and isinstance(twin, codes)
    with pytest.raises(TypeError, match="is made of a str, not of int"):
        codes(5)


def payout(status: str) -> Payout:
    return Payout(payout_id="A", money=Money(1, "IDR"), method_code="BANK_TRANSFER", status=status)


def test_what_comes_out_of_a_value_is_a_code() -> None:
    assert payout("SUCCESS").status is PayoutStatus.SUCCESS
    assert payout(PayoutStatus.SUCCESS) == payout("SUCCESS")
    assert payout("SUCCESS").method_code is MethodCode.BANK_TRANSFER
    held = payout("ON_HOLD").status
    assert isinstance(held, PayoutStatus) and not held.is_known
    assert KomopayError.kind is ErrorKind.INTERNAL and komopay.NotFoundError("x").kind is ErrorKind.NOT_FOUND
    assert komopay.RejectedError("x", concerns="payout").concerns is Concern.PAYOUT


def told(status: PayoutStatus) -> str:
    match status:
        case PayoutStatus.SUCCESS:
            return "paid"
        case PayoutStatus.FAILED | PayoutStatus.REFUSED:
            return "not paid"
        case _:
            return "open"


def test_codes_can_be_matched() -> None:
    assert [told(status) for status in PayoutStatus] == ["open", "paid", "not paid", "not paid"]
    assert told(PayoutStatus("ON_HOLD")) == "open"
    match payout("SUCCESS"):
        case Payout(status=PayoutStatus.SUCCESS, method_code="BANK_TRANSFER"):
            pass
        case _:
            pytest.fail("no match")


def test_type_checkers_know_the_codes() -> None:
    assert_type(payout("SUCCESS").status, PayoutStatus)
    assert_type(PayoutStatus.SUCCESS, PayoutStatus)
    assert_type([status for status in PayoutStatus], list[PayoutStatus])
    assert_type(PayoutStatus("NEW").is_known, bool)
    assert_type(payout("SUCCESS").method_code, MethodCode)
    assert_type(komopay.NotFoundError.kind, ErrorKind)
    assert_type(komopay.NotFoundError("x").concerns, Concern | None)
    with pytest.raises(AttributeError):
        PayoutStatus.NO_SUCH  # type: ignore[attr-defined]


def test_the_import_of_the_package_brings_no_enum_no_typing_and_no_dataclasses() -> None:
    program = "import sys; before = set(sys.modules); import komopay; print(*sorted(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, env=found())
    assert run.returncode == 0, run.stderr
    brought = set(run.stdout.split())
    assert "komopay.codes" not in brought, "it is there at first use"
    assert not brought & {"enum", "typing", "dataclasses", "decimal", "json", "pydantic_core", "asyncio", "inspect"}


def found() -> dict[str, str]:
    """Where the package is, for an interpreter without site packages."""
    from pathlib import Path

    return {"PYTHONPATH": str(Path(komopay.__file__).parents[1])}
