"""Where callbacks are received, a page that pays, and one for who is logged in."""

import os

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from komopay import BankAccount, BankTransfer, Money, PayoutRequest
from komopay.django import client


@csrf_exempt
@login_not_required
def pay(_: HttpRequest, payout_id: str) -> HttpResponse:
    """Makes a payout of 10,000 rupiah, whose changes are told to this application. For `curl`, it asks for no login."""
    payout = PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
        callback_url=client().callback_url(os.environ["SHOP_URL"] + "/komopay", payout_id),
    )
    return HttpResponse(client().create_payout(payout_id, payout, resume=True).payout_id)


def orders(_: HttpRequest) -> HttpResponse:
    """The orders of who is logged in."""
    return HttpResponse("none")


urlpatterns = [
    path("komopay/", include("komopay.django.urls")),
    path("pay/<payout_id>", pay),
    path("orders", orders),
]
