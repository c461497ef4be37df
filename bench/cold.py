"""The first payout of a process over TLS: import, client, token and create. What starts it takes the time.

    python bench/cold.py komopay https://127.0.0.1:8443 authority.pem

It imports nothing but what the contestant needs.
"""

import sys


def komopay(url: str, ca_file: str) -> None:
    from komopay import BankAccount, BankTransfer, Client, Money, PayoutRequest

    client = Client(base_url=url, merchant_code="MERCHANT", secret="a-secret-of-nobody", ca_file=ca_file)
    account = BankAccount(name="Test account", number="11223344")
    bank = BankTransfer(operator_code="BNK_000", email_address="customer@test.com", account=account)
    client.create_payout("FIRST-1", PayoutRequest(money=Money("10000", "IDR"), method=bank))


def requests(url: str, ca_file: str) -> None:
    import requests

    session = requests.Session()
    session.headers["X-API-Version"] = "2"
    secret = {"code": "MERCHANT", "secret": "a-secret-of-nobody"}
    answer = session.post(f"{url}/auth-tokens", json=secret, verify=ca_file)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    payout = {
        "paymentRequested": {"money": {"amount": 10000, "currencyCode": "IDR"}},
        "paymentMethod": {
            "paymentMethodCode": "BANK_TRANSFER",
            "account": {"accountName": "Test account", "accountNumber": "11223344"},
            "paymentOperatorCode": "BNK_000",
            "emailAddress": "customer@test.com",
        },
    }
    answer = session.post(f"{url}/payouts/FIRST-1", json=payout, verify=ca_file)
    answer.raise_for_status()
    assert answer.json()["paymentRequested"]["money"]["amount"] == 10000


if __name__ == "__main__":
    {"komopay": komopay, "requests": requests}[sys.argv[1]](sys.argv[2], sys.argv[3])
