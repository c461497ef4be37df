"""The server's half of a hand-off: issues a token for one payout of one sum, and prints it.

An app that has the token, and no secret, makes that payout with it and follows it, and can do nothing else:
bindings-kotlin/examples has such an app. Whoever reads the token can do the same, so hand it to the app alone.

Arguments: the payout's id, its amount and its currency. The settings come from the environment, as in quickstart.py.
"""

import sys

from komopay import AccessScope, Client, Money


def main() -> None:
    """Decides what may be paid, and gives the token for it."""
    payout_id, amount, currency = sys.argv[1:]
    with Client.from_env() as client:
        token = client.issue_token(AccessScope.payout(payout_id, Money(amount, currency)), validity=600)
    print(token.expose())


if __name__ == "__main__":
    main()
