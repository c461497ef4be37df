"""Whatever gateway a test takes, the record has each of its calls: else nothing is held against the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gateway import RECORD, Recorder, Sandbox, write_down

from komopay import AuthenticationError, Client, testing

TOLD = {("GET", "/currencies"): (401, b"{}")}


@pytest.mark.parametrize("kind", ["program", "in the process", "recorder"])
def test_each_call_is_written_down(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "calls.jsonl"
    with monkeypatch.context() as patch:
        patch.setenv(RECORD, str(record))
        if kind == "in the process":
            with testing.Sandbox() as in_process:
                ask(in_process.base_url)
        else:
            with Sandbox() if kind == "program" else Recorder(TOLD) as gateway:
                ask(gateway.url)
    request, *answers = (json.loads(line) for line in record.read_text().splitlines())
    assert (request["method"], request["target"], request["answer"]) == ("GET", "/currencies", None)
    assert (request["headers"]["authorization"], request["headers"]["x-api-version"]) == ("Bearer t", "2")
    # What a recorder answers is made up, and often wrong on purpose.
    assert [call["answer"]["status"] for call in answers] == ([] if kind == "recorder" else [401])
    # These calls are to be held against the contract like all others.
    write_down(record.read_bytes())


def ask(url: str) -> None:
    with Client(token="t", base_url=url) as client, pytest.raises(AuthenticationError):
        client.currencies()
