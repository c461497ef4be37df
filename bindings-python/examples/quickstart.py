"""Makes the payout that KomoPay documents, and follows it until it is final.

The settings come from the environment: KOMOPAY_BASE_URL, KOMOPAY_MERCHANT_CODE and KOMOPAY_SECRET.
`cargo xtask demo` runs this program against a gateway on your machine.
"""

import sys

from komopay import BankAccount, BankTransfer, Client, Money, OutcomeUnknownError, PayoutRequest

# One payout has one id for ever. Store it in your database before the first call.
PAYOUT_ID = "TST-223344"

PAYEE = BankAccount(name="Test account", number="11223344")
REQUEST = PayoutRequest(
    money=Money("10000", "IDR"),
    method=BankTransfer(operator_code="BNK_000", email_address="customer@test.com", account=PAYEE),
    callback_url="https://callback.example.com",
)


def main() -> int:
    """Pays, waits, and tells the shell whether the money has arrived."""
    with Client.from_env() as client:
        # Nothing prints an account number: this shows its last four digits.
        print(f"creating    {PAYOUT_ID}: {REQUEST.money} to {PAYEE}")
        try:
            accepted = client.create_payout(PAYOUT_ID, REQUEST)
        except OutcomeUnknownError as error:
            # It may exist. Keep the id, and run this again later with resume=True: it is never paid twice.
            print(f"unknown     {error}")
            return 2
        print(f"accepted    {accepted.payout_id}, transaction {accepted.reference}")

        payout = client.get_payout(PAYOUT_ID)
        print(f"{payout.status:<11} since {payout.created_at}")

        # It returns on FAILED and REFUSED, too: look at the status.
        payout = client.wait_for_payout(PAYOUT_ID, timeout=60)
        print(f"{payout.status:<11} at {payout.processed_at}, fee {payout.fee}")
    return 0 if payout.status == "SUCCESS" else 1


if __name__ == "__main__":
    sys.exit(main())
