"""What the classes of `codes.py` are: texts of an open list."""

from __future__ import annotations

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar, TypeVar, cast

    from pydantic_core import CoreSchema
    from typing_extensions import Self

    _C = TypeVar("_C")
else:

    def cast(_: object, value: object) -> object:
        return value


__all__ = ["Code"]


class _List(type):
    """The class of a list of codes: it can be iterated over, and asked whether a code is known."""

    _known: ClassVar[dict[str, Code]]

    def __iter__(cls: type[_C]) -> Iterator[_C]:
        return iter(cast("dict[str, _C]", getattr(cls, "_known")).values())

    def __len__(cls) -> int:
        return len(cls._known)

    def __contains__(cls, code: object) -> bool:
        return code in cls._known


class Code(str, metaclass=_List):
    """A code as a text. Of one list, those that this version knows are always the same object; others are kept."""

    __slots__ = ()

    _known: ClassVar[dict[str, Code]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._known = {}

    def __new__(cls, code: str) -> Self:
        given = cast("object", code)
        if not isinstance(given, str):
            raise TypeError(f"a {cls.__name__} is made of a str, not of {type(given).__name__}")
        known = cast("Self | None", cls._known.get(given))
        return str.__new__(cls, given) if known is None else known

    @classmethod
    def _member(cls, code: str) -> Self:
        """One that is known."""
        made = cls._known[code] = str.__new__(cls, code)
        return made

    @property
    def is_known(self) -> bool:
        """Whether this version knows it. One that it does not know is kept as it came."""
        return self in type(self)

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (str(self),)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        from komopay import _pydantic

        return _pydantic.core_schema_of_codes(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> dict[str, object]:
        # The list is open, so these are no more than examples.
        return {"type": "string", "examples": [str(code) for code in cls]}
