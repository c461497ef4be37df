"""``komopay``, or ``python -m komopay``: payouts and batches, the stand-in gateway, callbacks on the way."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

_USAGE = """\
Usage: python -m komopay COMMAND [OPTIONS], or komopay COMMAND [OPTIONS]

  payout     Makes, reads and follows one payout
  batch      Pays many, each exactly once, across crashes
  balances   Shows what the merchant has
  operators  Shows the banks, wallets and blockchains that payouts go through

  sandbox    A stand-in KomoPay gateway that runs on this machine, of the package komopay-testing
  listen     Receives callbacks on a port of this machine, checks them, and shows the payouts and their changes
  trigger    Makes the sandbox send a callback

Each tells its options with --help.
"""

# What the program that all languages share does. It may begin with an option, such as ``--json``.
_PROGRAM = ("payout", "batch", "balances", "operators", "--json", "--version", "-V")


def main() -> int:
    """Runs what the command line asks for, and returns the exit code."""
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command and command[0] in _PROGRAM:
        from komopay import _native

        # As for the sandbox below: the program hears Ctrl-C itself, and ends what is under way first.
        _ = signal.signal(signal.SIGINT, signal.SIG_DFL)
        return _native.run_program(["komopay", *sys.argv[1:]])
    if command in (["sandbox"], ["trigger"]):
        try:
            _ = import_module("komopay.testing")
        except ImportError as missing:
            print(f"{command[0]}: {missing}", file=sys.stderr)
            return 1
    if command == ["sandbox"]:
        from komopay_testing._native import run_program

        # The program catches Ctrl-C itself, and stops gracefully; Python would make a KeyboardInterrupt of it, too.
        _ = signal.signal(signal.SIGINT, signal.SIG_DFL)
        return run_program(["python -m komopay sandbox", *arguments])
    if command == ["listen"]:
        from komopay._listen import main as listen

        return listen(arguments)
    if command == ["trigger"]:
        from komopay._trigger import main as trigger

        return trigger(arguments)
    asked = sys.argv[1:] in (["-h"], ["--help"])
    print(_USAGE, end="", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
