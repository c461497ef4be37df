"""Which interpreter of the process this is: the package works in the main one only.

Subinterpreters share what the native module keeps for the process: its threads, its log and what it does at the end.
Some kinds would load it all the same, and fail later.
"""

import sys


def _is_main() -> bool:
    try:
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        interpreters = __import__(name)  # pyright: ignore[reportAny]
    except ImportError:
        return True  # Without that module, there are none.
    return bool(interpreters.get_current() == interpreters.get_main())  # pyright: ignore[reportAny]


if not _is_main():
    raise ImportError(
        "komopay works in the main interpreter of a process only, and this is a subinterpreter. Under mod_wsgi, set "
        "`WSGIApplicationGroup %{GLOBAL}`; elsewhere, use threads or processes instead of subinterpreters",
        name="komopay",
    )
