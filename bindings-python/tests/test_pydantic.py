"""Values in pydantic's models, and as bodies and answers of FastAPI."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any

import pydantic
import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from gateway import ACCOUNT_NUMBER
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError
from samples import IDR, NAME, OPEN, PAYOUT, PERSONAL, REQUEST, VALUES

from komopay import (
    AccessToken,
    IncludePersonal,
    Money,
    Payout,
    PayoutAccepted,
    PayoutRequest,
    PayoutStatus,
)


@pytest.mark.parametrize("name", VALUES)
def test_every_value_is_a_type_of_pydantic(name: str) -> None:
    value = VALUES[name]
    personal: Any = Annotated[type(value), IncludePersonal]
    of: Any = TypeAdapter(personal)
    data = value.to_dict(include_personal=True)
    assert of.validate_python(value) is value or of.validate_python(value) == value
    assert of.validate_python(data) == value == of.validate_json(json.dumps(data))
    assert of.dump_python(value) == of.dump_python(value, mode="json") == data == json.loads(of.dump_json(value))
    for mode in ("validation", "serialization"):
        schema = of.json_schema(mode=mode)
        assert set(schema["properties"]) >= set(data) and schema["title"] == name
        assert set(schema["required"]) <= set(data)


@pytest.mark.parametrize("value", PERSONAL, ids=lambda value: type(value).__name__)
def test_what_is_personal_is_read_and_not_written_without_a_word(value: Any) -> None:
    of: Any = TypeAdapter(type(value))
    assert of.validate_python(value.to_dict(include_personal=True)) == value
    for write in (of.dump_python, of.dump_json):
        with pytest.raises(PydanticSerializationError, match="include_personal") as refused:
            write(value)
        assert ACCOUNT_NUMBER not in str(refused.value) and NAME not in str(refused.value)


@pytest.mark.parametrize("value", OPEN, ids=lambda value: type(value).__name__)
def test_what_holds_no_person_is_written_without_a_word(value: Any) -> None:
    of: Any = TypeAdapter(type(value))
    assert of.dump_python(value) == value.to_dict() and ACCOUNT_NUMBER.encode() not in of.dump_json(value)


class Salary(BaseModel):
    money: Money
    request: PayoutRequest
    status: PayoutStatus = PayoutStatus.PROCESSING
    payouts: list[Payout] = []
    written: list[Annotated[PayoutRequest, IncludePersonal]] = []


def test_a_model_holds_values_and_hides_what_was_given_wrongly() -> None:
    given: dict[str, Any] = {"money": IDR, "request": REQUEST.to_dict(include_personal=True), "status": "ON_HOLD"}
    given["payouts"] = [PAYOUT, PAYOUT.to_dict()]
    salary = Salary(**given)
    assert salary.request == REQUEST and salary.money is not None
    assert isinstance(salary.status, PayoutStatus) and not salary.status.is_known
    with pytest.raises(PydanticSerializationError):
        salary.model_dump()
    assert salary.model_dump(exclude={"request"})["payouts"] == [PAYOUT.to_dict()] * 2
    again = Salary(**given, written=[REQUEST])
    assert ACCOUNT_NUMBER in again.model_dump_json(exclude={"request"})
    given["request"]["method"]["account"]["nummer"] = "1"
    with pytest.raises(ValidationError) as refused:
        Salary(**given)
    (error,) = refused.value.errors()
    assert error["loc"] == ("request",) and error["ctx"]["field"] == "method.account.nummer"
    assert error["input"] == "[hidden]" and error["type"] == "invalid_request"
    shown = f"{refused.value} {refused.value!r} {refused.value.json()}"
    assert ACCOUNT_NUMBER not in shown and NAME not in shown and "canary" not in shown


def test_a_float_is_no_amount_here_either() -> None:
    with pytest.raises(ValidationError, match="money.amount: a float is not an exact amount"):
        TypeAdapter(Money).validate_json('{"amount": 1.5, "currency": "USD"}')
    with pytest.raises(ValidationError, match="write 250000, or 250"):
        TypeAdapter(Money).validate_json('{"amount": "250.000", "currency": "IDR"}')


def test_a_token_is_no_type_of_pydantic_and_leave_belongs_to_a_value() -> None:
    with pytest.raises(pydantic.errors.PydanticSchemaGenerationError):
        TypeAdapter(AccessToken)
    of_text: Any = Annotated[str, IncludePersonal]
    with pytest.raises(TypeError, match="IncludePersonal belongs to a value of komopay"):
        TypeAdapter(of_text)


app = FastAPI()

Given = Annotated[PayoutRequest, Body()]


@app.post("/payouts/{payout_id}", response_model=PayoutAccepted)
def pay(payout_id: str, request: Given) -> PayoutAccepted:
    return PayoutAccepted(payout_id=payout_id, money=request.money, method_code=request.method.method_code)


@app.get("/payouts", response_model=list[Payout])
def payouts() -> list[Payout]:
    return [PAYOUT]


@app.post("/echo")
def echo(request: Given) -> PayoutRequest:
    return request


@app.post("/echo-whole")
def echo_whole(request: Given) -> Annotated[PayoutRequest, IncludePersonal]:
    return request


@app.get("/balance")
def balance() -> Money:
    return IDR


WHOLE = REQUEST.to_dict(include_personal=True)


def test_fastapi_takes_a_request_and_answers_with_values() -> None:
    client = TestClient(app)
    answer = client.post("/payouts/TST-1", json=WHOLE)
    assert answer.status_code == 200
    assert PayoutAccepted.from_dict(answer.json()) == PayoutAccepted(
        payout_id="TST-1", money=IDR, method_code="BANK_TRANSFER"
    )
    assert client.get("/payouts").json() == [PAYOUT.to_dict()]
    assert client.get("/balance").json() == {"amount": "10000", "currency": "IDR"}


def test_fastapi_refuses_a_bad_request_by_its_field_and_does_not_repeat_it() -> None:
    answer = TestClient(app).post("/payouts/TST-1", json={**WHOLE, "money": {"amount": 1.5, "currency": "IDR"}})
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert error["ctx"]["field"] == "money.amount" and error["msg"].startswith("money.amount: a float")
    assert ACCOUNT_NUMBER not in answer.text and NAME not in answer.text


def test_fastapi_answers_with_a_request_only_if_that_is_meant() -> None:
    client = TestClient(app, raise_server_exceptions=False)
    refused = client.post("/echo", json=WHOLE)
    assert refused.status_code == 500 and ACCOUNT_NUMBER not in refused.text
    assert client.post("/echo-whole", json=WHOLE).json() == WHOLE


def test_openapi_knows_every_field() -> None:
    told = app.openapi()["components"]["schemas"]
    request = told["PayoutRequest"] if "PayoutRequest" in told else told["PayoutRequest-Input"]
    assert request["required"] == ["money", "method"]
    methods = request["properties"]["method"]["anyOf"]
    assert [method["properties"]["method_code"]["const"] for method in methods] == [
        "BANK_TRANSFER",
        "CRYPTO_TRANSFER",
        "WALLET_TRANSFER",
    ]
    assert methods[0]["properties"]["account"]["properties"]["number"]["description"] == "The account number."
    assert told["Payout"]["properties"]["status"]["examples"] == [str(status) for status in PayoutStatus]


def test_the_package_works_without_pydantic() -> None:
    program = (
        "import sys; sys.modules['pydantic_core'] = sys.modules['pydantic'] = None\n"
        "from komopay import *\nfrom komopay import IncludePersonal\nprint(Money('1', 'IDR').to_json())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "") and run.stdout == '{"amount": "1", "currency": "IDR"}\n'
