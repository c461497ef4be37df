"""A call whose arguments no traceback shows, with the type of what it gives."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Generic, TypeVar

    _T = TypeVar("_T")

    class Opaque(Generic[_T]):
        """A function with the first of its arguments. Its repr shows none of them."""

        def __init__(self, function: Callable[..., _T], /, *arguments: object, **known: object) -> None: ...
        def __call__(self, *arguments: object, **known: object) -> _T: ...

else:
    from komopay._native import _Opaque as Opaque

__all__ = ["Opaque"]
