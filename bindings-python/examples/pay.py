"""Pays the documented payout and follows it to its end.

Needs KOMOPAY_MERCHANT_CODE, KOMOPAY_SECRET and KOMOPAY_BASE_URL, and the id of the payout, which a real program has
stored before it comes here.
"""

import logging
import sys

from komopay import BankAccount, BankTransfer, Client, Money, OutcomeUnknownError, PayoutRequest

REQUEST = PayoutRequest(
    money=Money("10000", "IDR"),
    method=BankTransfer(
        operator_code="BNK_000",
        email_address="customer@test.com",
        account=BankAccount(name="Test account", number="11223344"),
    ),
    callback_url="https://callback.example.com",
)


def main(payout_id: str, resume: bool) -> int:
    logging.basicConfig(level=logging.INFO)
    with Client.from_env() as client:
        try:
            client.create_payout(payout_id, REQUEST, resume=resume)
        except OutcomeUnknownError as error:
            print(f"{error}\nTo go on: {sys.argv[0]} {payout_id} resume", file=sys.stderr)
            return 2
        payout = client.wait_for_payout(payout_id, timeout=60)
    print(payout.status, payout.fee)
    return 0 if payout.status == "SUCCESS" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], resume="resume" in sys.argv[2:]))
