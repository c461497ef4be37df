"""Values and errors as arguments and results of Celery's tasks, with its JSON serializer.

    >>> from komopay.celery import register_types
    >>> register_types()  # where the Celery app is made: in workers, and in who sends tasks and reads results

From then on a `Payout`, a `Money` and every other value comes out of a task's arguments and its result as itself, and
so does an error that is given or returned. What a task raises needs no registration: Celery keeps the class and the
arguments of an exception, and those of a `KomopayError` are all that it tells.
"""

from __future__ import annotations

from inspect import isclass
from typing import TYPE_CHECKING, cast

from kombu.utils.json import register_type

import komopay

if TYPE_CHECKING:
    from komopay._pydantic import Value

__all__ = ["register_types"]


def register_types(*, include_personal: bool = False) -> None:
    """Teaches kombu's JSON, which Celery uses, every value and error of this package.

    What holds personal data, such as a `PayoutRequest`, is refused by whoever sends it, unless ``include_personal`` is
    True: then the account number is in the broker and in the result backend, for whoever can read these. An id is
    enough where the task can look the rest up.
    """
    for name in komopay.__all__:
        item = cast("object", getattr(komopay, name))
        if isclass(item) and hasattr(item, "from_dict"):
            _register(cast("type[Value]", item), include_personal=include_personal)


def _register(of: type[Value], *, include_personal: bool) -> None:
    def write(value: Value) -> dict[str, object]:
        return value.to_dict(include_personal=include_personal)

    register_type(of, f"komopay.{of.__name__}", write, of.from_dict)
