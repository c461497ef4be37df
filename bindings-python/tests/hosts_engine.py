"""What engines on three hosts have in common, for `cargo xtask prove engines`: how they are told what to do.

A server says in its first line how it is reached, with `HOST` for its address, and then does what each line that it is
told says, of a case that it names: `begin` hands the batch over, `look` says that time has passed for the journal, and
`end` that the case is over. To each it answers with a line, and it ends with its input.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from komopay._settings import CommonSettings

BATCH = os.environ["KOMOPAY_BATCH"]
URL = os.environ.get("KOMOPAY_ENGINE_URL", "")
CASE = os.environ.get("KOMOPAY_ENGINE_CASE", "")


def settings() -> CommonSettings:
    """Those of a worker's client: the same as `komopay batch work` has on its hosts."""
    return {"ca_file": os.environ["KOMOPAY_CA_FILE"], "total_timeout": 40}


def told(url: str) -> Iterator[tuple[str, str]]:
    """What a server is told, and of which case."""
    print(url, flush=True)
    for line in sys.stdin:
        what, case = line.split()
        yield what, case
        print("done", flush=True)
