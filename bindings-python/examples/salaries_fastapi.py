"""A FastAPI application whose requests and answers are pydantic models with values of komopay in them, and whose traces
show what the platform was asked.

    $ pip install komopay[fastapi,otel] opentelemetry-sdk uvicorn
    $ python -m komopay sandbox --port 8081 &
    $ export KOMOPAY_BASE_URL=http://127.0.0.1:8081 KOMOPAY_MERCHANT_CODE=... KOMOPAY_SECRET=...  # as the sandbox says
    $ uvicorn salaries_fastapi:app --port 8000
    $ curl -X PUT http://127.0.0.1:8000/salaries/TST-1 -H 'Content-Type: application/json' -d '{
        "money": {"amount": "10000", "currency": "IDR"}, "bank": "BNK_000",
        "account": {"name": "Test account", "number": "11223344"}}'
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from pydantic import BaseModel, ConfigDict

import komopay.otel
from komopay import AsyncClient, BankAccount, BankTransfer, KomopayError, Money, Payout, PayoutRequest

client = AsyncClient.from_env()
tracer = trace.get_tracer("salaries")


class Salary(BaseModel):
    """What is asked for. A misspelt field is an error, and not a salary of another kind."""

    model_config = ConfigDict(extra="forbid")

    money: Money
    bank: str
    account: BankAccount


class Paid(BaseModel):
    """What is answered: the payout as the platform tells it, which repeats no account."""

    recovered: bool
    payout: Payout


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
    """The client is there as long as the application, and ends when what is on the wire has."""
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(formatter=line)))
    trace.set_tracer_provider(spans)
    komopay.otel.instrument()
    async with client:
        yield
    spans.shutdown()


def line(span: ReadableSpan) -> str:
    """A span as a line of the log. In production they go to a collector, by OTLP."""
    return f"span {span.name} {dict(span.attributes or {})}\n"


app = FastAPI(lifespan=lifespan)


@app.put("/salaries/{payout_id}")
async def pay(payout_id: str, salary: Salary) -> Paid:
    """Pays once, however often it is asked for with this id. Store the id before, where one is made up."""
    method = BankTransfer(operator_code=salary.bank, account=salary.account)
    request = PayoutRequest(money=salary.money, method=method)
    with tracer.start_as_current_span("pay a salary"):
        accepted = await client.create_payout(payout_id, request, resume=True)
        return Paid(recovered=accepted.recovered, payout=await client.wait_for_payout(payout_id, timeout=30))


@app.exception_handler(KomopayError)
async def tell(_: Request, error: KomopayError) -> JSONResponse:
    """What went wrong, as plain data: its kind says what to do. 202 where the salary may have been paid."""
    status = 202 if error.money_may_have_moved else 503 if error.retryable else 422
    return JSONResponse({"kind": error.kind, "payout_id": error.payout_id, "field": error.field}, status)
