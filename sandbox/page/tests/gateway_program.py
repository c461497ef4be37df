"""The gateway whose page is looked at, a client of it in a few lines, and a merchant's server for its callbacks."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import subprocess
import threading
from typing import Any

import pytest

# The task runner looks for these in everything that the tests print.
MERCHANT_CODE = "CANARY_MERCHANT"
SECRET = "canary-secret-b5c1f0"
ACCOUNT_NUMBER = "550066007700"

STAYS_PROCESSING = "9000000099"


class Gateway:
    """A `komopay-sandbox` of its own, as a person starts it: with a token that it makes and tells."""

    def __init__(self, processing_ms: int = 50) -> None:
        program = os.environ.get("KOMOPAY_SANDBOX_BIN")
        if not program or not os.path.exists(program):
            pytest.fail(
                "these tests need the sandbox program: build it with `cargo build -p komopay-sandbox` "
                "and set KOMOPAY_SANDBOX_BIN to its path (target/debug/komopay-sandbox)",
                pytrace=False,
            )
        arguments = ["--port", "0", "--control", "--processing-ms", str(processing_ms)]
        arguments += ["--secret", SECRET, "--merchant-code", MERCHANT_CODE]
        environment = {name: value for name, value in os.environ.items() if name != "KOMOPAY_SANDBOX_TOKEN"}
        self._process = subprocess.Popen([program, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        told = [self._process.stdout.readline().split() for _ in range(6)]
        self.url = told[0][-1]
        (self.link,) = (line[-1] for line in told if line[0] == "page")
        self.token = self.link.partition("#token=")[2]
        # Its log is read to the end, so that it never stops for a full pipe.
        self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._reader.start()
        issued = self._ask("POST", "/auth-tokens", {"merchantCode": MERCHANT_CODE, "secret": SECRET}, None)
        self._payout_token = issued[1]["token"]

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, method: str, path: str, body: object, token: str | None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        headers = {"X-API-Version": "2", "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except http.client.RemoteDisconnected:
            return 0, None
        finally:
            connection.close()

    def control(self, method: str, path: str, body: object = None) -> Any:
        status, told = self._ask(method, f"/_sandbox/{path}", body, self.token)
        assert status < 300, (status, told)
        return told

    def fault(self, operation: str, effect: str, on: object = "always") -> None:
        self.control("POST", "faults", {"when": {"operation": operation, "on": on}, "effect": {"type": effect}})

    def pay(
        self, *ids: str, number: str = ACCOUNT_NUMBER, amount: int = 10_000, callback_url: str | None = None
    ) -> list[int]:
        """The statuses of the answers; 0 is none."""
        body: dict[str, object] = {
            "paymentRequested": {"money": {"amount": amount, "currencyCode": "IDR"}},
            "paymentMethod": {
                "paymentMethodCode": "BANK_TRANSFER",
                "paymentOperatorCode": "BNK_000",
                "account": {"accountName": "Test account", "accountNumber": number},
            },
        }
        if callback_url is not None:
            body["callbackUrl"] = callback_url
        return [self._ask("POST", f"/payouts/{payout_id}", body, self._payout_token)[0] for payout_id in ids]

    def get(self, payout_id: str) -> Any:
        """What the platform says of it."""
        return self._ask("GET", f"/payouts/{payout_id}", None, self._payout_token)[1]


class Receiver:
    """A merchant's server, which takes every callback and keeps which payouts they were about."""

    def __init__(self) -> None:
        self.about: list[str] = []
        about = self.about

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                about.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["idEntity"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?mac=c2lnbmVk"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
