"""A WSGI application that pays. `gunicorn --preload` loads it in its master and serves it in workers that it forks."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from salary import SALARY

from komopay import Client

logging.basicConfig(format="%(levelname)s %(name)s %(message)s")

client = Client.from_env()
client.create_payout("TST-MASTER", SALARY)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`POST /{payout_id}`, and with `?resume` for a job that is run again. `POST /` pays nothing."""
    payout_id = environ["PATH_INFO"].removeprefix("/")
    if not payout_id:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"pid": os.getpid()}).encode()]
    sys.stderr.write(f"worker {os.getpid()} pays {payout_id}\n")
    accepted = client.create_payout(payout_id, SALARY, resume=environ["QUERY_STRING"] == "resume")
    answer = {"pid": os.getpid(), "payout_id": accepted.payout_id, "recovered": accepted.recovered}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
