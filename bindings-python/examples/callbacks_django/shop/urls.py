"""Where callbacks are received, and a page that pays."""

import os

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from komopay import BankAccount, BankTransfer, Money, PayoutRequest
from .payouts import callbacks, client


@csrf_exempt
def pay(_: HttpRequest, payout_id: str) -> HttpResponse:
    """Makes a payout of 10,000 rupiah, whose changes are told to this application."""
    payout = PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
        callback_url=client.callback_url(os.environ["SHOP_URL"] + "/komopay", payout_id),
    )
    return HttpResponse(client.create_payout(payout_id, payout, resume=True).payout_id)


urlpatterns = [*callbacks.urls("komopay"), path("pay/<payout_id>", pay)]
