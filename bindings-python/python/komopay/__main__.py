"""``python -m komopay sandbox``: the stand-in gateway, started by hand."""

from __future__ import annotations

import signal
import sys

from komopay._native import _run_sandbox

_USAGE = """\
Usage: python -m komopay sandbox [OPTIONS]

  sandbox  A stand-in KomoPay gateway that runs on this machine; --help tells its options
"""


def main() -> int:
    """Runs what the command line asks for, and returns the exit code."""
    if sys.argv[1:2] != ["sandbox"]:
        asked = sys.argv[1:] in (["-h"], ["--help"])
        print(_USAGE, end="", file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    # The program catches Ctrl-C itself, and stops gracefully; Python would make a KeyboardInterrupt of it, too.
    _ = signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _run_sandbox(["python -m komopay sandbox", *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
