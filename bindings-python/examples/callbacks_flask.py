"""A Flask application with CSRF protection that pays, receives callbacks and handles each change of a payout once.

    $ pip install komopay[flask] flask-wtf gunicorn
    $ python -m komopay sandbox --port 8081 --control &
    $ export KOMOPAY_BASE_URL=http://127.0.0.1:8081 KOMOPAY_MERCHANT_CODE=... KOMOPAY_SECRET=...  # as the sandbox says
    $ export KOMOPAY_CALLBACK_KEYS=$(openssl rand -hex 32) SHOP_SECRET_KEY=$(openssl rand -hex 32)
    $ export SHOP_URL=http://127.0.0.1:8000
    $ gunicorn callbacks_flask:app --bind 127.0.0.1:8000 --threads 4
    $ curl -X POST http://127.0.0.1:8000/pay/TST-1
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
import os

from flask import Flask, g, request
from flask_wtf.csrf import CSRFProtect

from komopay import BankAccount, BankTransfer, Client, Money, PayoutChange, PayoutRequest, SqliteChangeStore
from komopay.flask import Callbacks

STORE = SqliteChangeStore(os.environ.get("SHOP_CHANGES", "changes.sqlite"))
client = Client.from_env(change_store=STORE, change_lease=float(os.environ.get("SHOP_LEASE", "60")))


def on_change(change: PayoutChange) -> None:
    """Called for each change: tell the customer, close the order. Ignore a sequence not above the last."""
    print(f"change {change.sequence} of {change.payout_id}: {change.payout.status}", flush=True)


app = Flask(__name__)
app.config.update(SECRET_KEY=os.environ["SHOP_SECRET_KEY"], MAX_CONTENT_LENGTH=1 << 20)
csrf = CSRFProtect(app)


@app.before_request
def note_size() -> None:
    """Reads each body, as many applications do. The framework keeps it for the callbacks."""
    g.size = len(request.get_data())


callbacks = Callbacks(client, on_change)
app.register_blueprint(callbacks.blueprint, url_prefix="/komopay")
# The platform has no token of ours: the signature of the URL says what it may.
_ = csrf.exempt(callbacks.blueprint)
callbacks.start()


@app.post("/pay/<payout_id>")
def pay(payout_id: str) -> str:
    """Makes a payout of 10,000 rupiah, whose changes are told to this application."""
    payout = PayoutRequest(
        money=Money("10000", "IDR"),
        method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Test account", number="11223344")),
        callback_url=client.callback_url(os.environ["SHOP_URL"] + "/komopay", payout_id),
    )
    return client.create_payout(payout_id, payout, resume=True).payout_id


# For `curl`, which is no form.
_ = csrf.exempt(pay)


@app.post("/address")
def address() -> str:
    """A form of a customer, which needs its CSRF token."""
    return "changed"
