"""What the classes of `catalogue.py` and `waits.py` are: frozen values with named fields.

To everybody else they are dataclasses: frozen, with slots, made by keywords. They are not made by `dataclasses`, since
that and what it imports take about as long as a first payout, and these classes are loaded with the first client.
"""

from __future__ import annotations

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from inspect import Signature
    from typing import ClassVar, NoReturn, cast

    from typing_extensions import Self, dataclass_transform
else:

    def cast(_, value):
        return value

    def dataclass_transform(**_):
        return lambda cls: cls


__all__ = ["Record", "hidden"]


class _Hidden:
    """A default, of a field that no repr shows."""

    def __init__(self, default: object) -> None:
        self.default: object = default


def hidden(*, default: str) -> str:
    """A field with this default that no repr shows."""
    return _Hidden(default)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


class _OfDataclass:
    """What a dataclass has beside its values, such as its list of fields: made of one when it is asked for."""

    def __init__(self, name: str) -> None:
        self._name: str = name

    def __get__(self, _value: Record | None, cls: type[Record]) -> object:
        import dataclasses
        import inspect

        def described(name: str) -> object:
            shown = name not in cls._unshown
            if name in cls._defaults:
                return dataclasses.field(default=cls._defaults[name], repr=shown)
            return cast("object", dataclasses.field(repr=shown))

        fields = [(name, kind, described(name)) for name, kind in cls._types.items()]
        twin = dataclasses.make_dataclass(cls.__name__, fields, frozen=True, slots=True, kw_only=True)
        made: object = inspect.signature(twin) if self._name == "__signature__" else getattr(twin, self._name)
        setattr(cls, self._name, made)
        return made


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(hidden,))
class _Class(type):
    """Makes the annotations of a class its fields."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, object]) -> _Class:
        types = cast("dict[str, str]", body.get("__annotations__", {}))
        if types:
            given = {field: body.pop(field) for field in types if field in body}
            body["_types"] = types
            body["_unshown"] = {field for field, value in given.items() if isinstance(value, _Hidden)}
            body["_defaults"] = {
                field: value.default if isinstance(value, _Hidden) else value for field, value in given.items()
            }
            body["__slots__"] = tuple(types)
            body["__match_args__"] = ()
            for attribute in ("__dataclass_fields__", "__dataclass_params__", "__signature__"):
                body[attribute] = _OfDataclass(attribute)
        return super().__new__(mcs, name, bases, body)


class Record(metaclass=_Class):
    """A frozen value: its fields are the annotations of its class. It compares and hashes by them."""

    __slots__ = ()

    if TYPE_CHECKING:
        _types: ClassVar[dict[str, str]]
        _defaults: ClassVar[dict[str, object]]
        _unshown: ClassVar[set[str]]
        __signature__: ClassVar[Signature]
    else:

        def __init__(self, **given) -> None:
            fields = self._defaults | given
            missing = [repr(name) for name in self._types if name not in fields]
            if missing:
                raise TypeError(f"{type(self).__name__}() is missing the keyword arguments {', '.join(missing)}")
            for name in fields:
                if name not in self._types:
                    raise TypeError(f"{type(self).__name__}() got an unexpected keyword argument {name!r}")
                object.__setattr__(self, name, fields[name])

    def _values(self) -> tuple[object, ...]:
        return tuple([cast("object", getattr(self, name)) for name in self._types])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or other.__class__ is not self.__class__:
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self._types if name not in self._unshown]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __replace__(self, **others: object) -> Self:
        return type(self)(**dict(zip(self._types, self._values())) | others)

    def __getstate__(self) -> list[object]:
        return list(self._values())

    def __setstate__(self, state: list[object]) -> None:
        for name, value in zip(self._types, state):
            object.__setattr__(self, name, value)

    if not TYPE_CHECKING:
        # To type checkers a frozen dataclass has none.
        def __setattr__(self, name, value) -> NoReturn:
            raise _frozen(f"cannot assign to field {name!r}")

        def __delattr__(self, name) -> NoReturn:
            raise _frozen(f"cannot delete field {name!r}")


def _frozen(text: str) -> AttributeError:
    """What a dataclass raises; or its base, in a process that can load nothing any more."""
    try:
        from dataclasses import FrozenInstanceError
    except ImportError:
        return AttributeError(text)
    return FrozenInstanceError(text)
