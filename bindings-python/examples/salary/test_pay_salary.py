"""What pay_salary.py does when answers are lost: `pip install "komopay[testing]" pytest`, then `python -m pytest`."""

# pyright: reportImplicitRelativeImport=false
from pay_salary import pay_salary

from komopay import BankAccount, BankTransfer, Client, Money, PayoutRequest
from komopay.testing import Sandbox, account_number


def salary(number: str = "11223344") -> PayoutRequest:
    """The request of a test."""
    account = BankAccount(name="Test account", number=number)
    return PayoutRequest(money=Money("10000", "IDR"), method=BankTransfer(operator_code="BNK_000", account=account))


def test_a_lost_answer_pays_once(komopay_client: Client, komopay_sandbox: Sandbox) -> None:
    komopay_sandbox.lose_answer()
    assert pay_salary(komopay_client, "SALARY-1", salary()) == "SUCCESS"
    assert komopay_sandbox.executed("SALARY-1") == 1


def test_a_wrong_account_number_is_reported(komopay_client: Client) -> None:
    number = account_number(failure="INVALID_ACCOUNT_NUMBER")
    assert pay_salary(komopay_client, "SALARY-2", salary(number)) == "FAILED"


def test_a_job_that_is_run_again_does_not_pay_again(komopay_sandbox: Sandbox) -> None:
    with komopay_sandbox.client(total_timeout=0.5, attempt_timeout=0.25) as client:
        komopay_sandbox.hide_outcome()
        assert pay_salary(client, "SALARY-3", salary()) == "unknown"
        komopay_sandbox.clear_faults()
        assert pay_salary(client, "SALARY-3", salary()) == "SUCCESS"
    assert komopay_sandbox.executed("SALARY-3") == 1
