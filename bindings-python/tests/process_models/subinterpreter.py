"""A program that imports the package in a subinterpreter of this kind, before or after its main interpreter has."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters

INSIDE = """
try:
    import komopay
except ImportError as error:
    print("refused:", error, flush=True)
else:
    print("imported", flush=True)
"""


def new(kind: str) -> Any:
    if sys.version_info >= (3, 13):
        return interpreters.create(kind)
    return interpreters.create(isolated=kind == "isolated")


def main() -> None:
    kind, order = sys.argv[1:]
    if order == "main first":
        import komopay
    interpreter = new(kind)
    assert not interpreters.run_string(interpreter, INSIDE)
    # Asked again, it says the same.
    assert not interpreters.run_string(interpreter, INSIDE)
    from salary import SALARY

    import komopay

    with komopay.Client.from_env() as client:
        print("paid", client.create_payout("TST-MAIN", SALARY).payout_id, flush=True)
    interpreters.destroy(interpreter)


if __name__ == "__main__":
    main()
