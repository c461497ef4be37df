"""The stand-in gateway for the tests of your own code. It is a package of its own: ``pip install "komopay[testing]"``.

With pytest, ask for the fixtures ``komopay_sandbox``, ``komopay_client`` and ``komopay_async_client``.
"""

from __future__ import annotations

try:
    from komopay_testing import Balance, Delivery, LedgerEntry, Sandbox, account_number
except ModuleNotFoundError as _missing:
    if _missing.name != "komopay_testing":
        raise
    raise ModuleNotFoundError(
        'the stand-in gateway is a package of its own; install it: pip install "komopay[testing]"', name=_missing.name
    ) from None

__all__ = ["Balance", "Delivery", "LedgerEntry", "Sandbox", "account_number"]
