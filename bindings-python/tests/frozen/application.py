"""An application that test_pyinstaller.py freezes. It imports nothing that the package has to bring itself."""

import asyncio
import sys

import komopay

REQUEST = komopay.PayoutRequest(
    money=komopay.Money("10000", "IDR"),
    method=komopay.BankTransfer(
        operator_code="BNK_000", account=komopay.BankAccount(name="Test account", number="11223344")
    ),
)


async def look() -> None:
    async with komopay.AsyncClient.from_env() as client:
        print((await client.wait_for_payout("FROZEN-1", timeout=30)).status)
        token = (await client.issue_token(komopay.AccessScope.operations(["GET /balances"]))).expose()
    # A function of the caller's is called in a thread that Python code of the package starts.
    async with komopay.AsyncClient.from_env(token=lambda: token) as app:
        print(len(await app.balances("IDR")))


def main() -> None:
    with komopay.Client.from_env() as client:
        print(client.create_payout("FROZEN-1", REQUEST).money.amount)
        try:
            client.get_payout("FROZEN-0")
        except komopay.NotFoundError as error:
            print(error.kind, error.attempts[0].started_at.tzinfo)
    asyncio.run(look())
    print(hasattr(sys, "frozen"), "logging" in sys.modules)


if __name__ == "__main__":
    main()
