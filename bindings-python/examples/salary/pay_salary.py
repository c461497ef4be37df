"""A job that pays a salary, and may be run again at any time: after a crash, or when nobody knows how it ended.

Its tests are in test_pay_salary.py. The settings come from the environment, as in quickstart.py.
"""

from komopay import BankAccount, BankTransfer, Client, Money, OutcomeUnknownError, PayoutRequest


# --8<-- [start:pay_salary]
def pay_salary(client: Client, payout_id: str, request: PayoutRequest) -> str:
    """Pays once, and says how it stands. The id was stored before; a job that is run again gives the same one."""
    try:
        _ = client.create_payout(payout_id, request, resume=True)
    except OutcomeUnknownError:
        return "unknown"  # It may have been paid. The job runs again later, with the same id.
    return client.wait_for_payout(payout_id, timeout=60).status
# --8<-- [end:pay_salary]


def main() -> None:
    """Pays one. A real job takes ids and requests from the database."""
    account = BankAccount(name="Test account", number="11223344")
    salary = PayoutRequest(money=Money("10000", "IDR"), method=BankTransfer(operator_code="BNK_000", account=account))
    with Client.from_env() as client:
        print(pay_salary(client, "SALARY-2026-11-001", salary))


if __name__ == "__main__":
    main()
