"""Values as fields of pydantic's models, and as bodies and answers of FastAPI: read and written as plain data.

Only loaded by pydantic, when it asks a class of this package for its schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from pydantic_core import PydanticCustomError, core_schema

from komopay.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema
    from typing_extensions import Self

__all__ = ["core_schema_of", "core_schema_of_codes", "json_schema_of", "writing"]


class Value(Protocol):
    """A class of values."""

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self: ...
    def to_dict(self, *, include_personal: bool = False) -> dict[str, object]: ...
    @classmethod
    def _fields(cls) -> list[tuple[str, object, str, bool]]: ...


class _Hidden(str):
    """What was given. Errors of pydantic would show it, and say this in its place."""

    __slots__: tuple[str, ...] = ("given",)

    given: Mapping[str, object]

    def __new__(cls, given: Mapping[str, object]) -> Self:
        hidden = str.__new__(cls, "[hidden]")
        hidden.given = given
        return hidden


def core_schema_of(cls: type[Value]) -> CoreSchema:
    """How a value is read: as it is, or from plain data; and written: as plain data."""

    def read(hidden: _Hidden) -> Value:
        try:
            return cls.from_dict(hidden.given)
        except InvalidRequestError as error:
            told = {"message": error.message, "field": error.field}
            raise PydanticCustomError("invalid_request", "{message}", told) from None

    plain = core_schema.no_info_plain_validator_function
    steps: list[CoreSchema] = [plain(_Hidden), plain(read)]
    ref = f"komopay.{cls.__name__}:{id(cls)}"
    return core_schema.chain_schema(steps, ref=ref, serialization=writing(include_personal=False))


def writing(*, include_personal: bool) -> core_schema.PlainSerializerFunctionSerSchema:
    """How a value is written."""

    def write(value: Value) -> dict[str, object]:
        return value.to_dict(include_personal=include_personal)

    return core_schema.plain_serializer_function_ser_schema(write)


def core_schema_of_codes(cls: Callable[[str], object]) -> CoreSchema:
    """How a code is read and written: as its text."""
    text, written = core_schema.str_schema(), core_schema.to_string_ser_schema()
    return core_schema.no_info_after_validator_function(cls, text, serialization=written)


def json_schema_of(cls: type[Value], handler: GetJsonSchemaHandler) -> dict[str, object]:
    """The JSON schema of a value."""
    return _json_schema(cls, is_written=handler.mode == "serialization")


def _json_schema(cls: type[Value], *, is_written: bool) -> dict[str, object]:
    def resolved(schema: object) -> dict[str, object]:
        if isinstance(schema, type):
            return _json_schema(cast("type[Value]", schema), is_written=is_written)
        known = cast("dict[str, object]", schema)
        if "items" in known:
            return {**known, "items": resolved(known["items"])}
        if "anyOf" in known:
            return {"anyOf": [resolved(each) for each in cast("tuple[object, ...]", known["anyOf"])]}
        return dict(known)

    fields = cls._fields()
    properties = {name: {**resolved(schema), "description": about} for name, schema, about, _ in fields}
    needed = [name for name, _, _, is_required in fields if is_required]
    title = {"title": cls.__name__, "type": "object"}
    return {**title, "properties": properties, "required": needed}
