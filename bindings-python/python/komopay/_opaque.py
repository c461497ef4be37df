"""A call whose arguments no traceback shows, with the type of what it gives."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Generic, TypeVar, final

    from typing_extensions import Self

    _T = TypeVar("_T")

    @final
    class Opaque(Generic[_T]):
        """A function with the first of its arguments. Its repr shows none of them."""

        def __new__(cls, function: Callable[..., _T], /, *arguments: object, **known: object) -> Self: ...
        def __call__(self, *arguments: object, **known: object) -> _T: ...

else:
    from komopay._native import _Opaque as Opaque

__all__ = ["Opaque"]
