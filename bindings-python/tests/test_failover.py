"""A journal whose PostgreSQL server is another one than before, in a process that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from engines import payroll
from gateway import Sandbox
from postgres import Server

from komopay import UnavailableError
from komopay.batches import BatchStatus


def test_after_a_standby_took_over_the_next_call_opens_the_journal_again(folder: Path) -> None:
    with (
        Server() as server,
        Sandbox(processing_ms=0) as sandbox,
        payroll(server, sandbox, folder) as paid,
        paid.batches() as batches,
    ):
        paid.start(40)
        assert batches.status(paid.id).state == "running"
        server.take_over()
        with pytest.raises(UnavailableError, match="a standby took over"):
            batches.status(paid.id)
        # What the other one may have sent under tokens that this one does not know of has ended before it sends.
        assert batches.drive(paid.id, 1).count("in_doubt") == 40
        assert not paid.executed()
        paid.let_tokens_end()

        def is_closed(status: BatchStatus) -> bool:
            batches.drive(paid.id, 5)
            batches.follow(paid.id, 5)
            return status.state == "closed"

        paid.wait_until(is_closed)
        paid.wait_until_closed()
