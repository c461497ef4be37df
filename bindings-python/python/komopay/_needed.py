"""What the calls, errors and values of a client may need: loaded by the native module when the first client is made.

A process may change its user, its root or what is mounted later on, and loads nothing any more then. Not with the
package itself: much of it is the standard library's, which a program that makes no client may never need. asyncio is
loaded by an `AsyncClient`. What belongs to other packages, such as `komopay._pydantic`, is loaded by their use.
"""

# Of values: abstract classes and times by pyo3, exact amounts, JSON.
import datetime
import decimal
import json
import logging
import operator
from collections import abc

from komopay import _provider, catalogue, codes, personal, waits

__all__ = [
    "_provider",
    "abc",
    "catalogue",
    "codes",
    "datetime",
    "decimal",
    "json",
    "logging",
    "operator",
    "personal",
    "waits",
]
