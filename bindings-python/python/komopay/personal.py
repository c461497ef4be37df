"""Leave to write what is personal, for pydantic and FastAPI."""

from __future__ import annotations

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["IncludePersonal"]


class IncludePersonal:
    """Lets pydantic write a value with what is personal: a `PayoutRequest`, or the `raw` of a `Payout`.

    Without it, a model or an answer of FastAPI that holds a request is refused when it is written. It belongs to the
    class itself: `Annotated[PayoutRequest, IncludePersonal]`, in a list or an option too.

    Example:

        >>> from typing import Annotated
        >>> from pydantic import TypeAdapter
        >>> account = BankAccount(name="Siti", number="0123456789")
        >>> TypeAdapter(Annotated[BankAccount, IncludePersonal]).dump_python(account)["number"]
        '0123456789'
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from komopay import _pydantic

        if not hasattr(source, "_fields"):
            raise TypeError("IncludePersonal belongs to a value of komopay, such as PayoutRequest, and to nothing else")
        schema = {**handler(source), "serialization": _pydantic.writing(include_personal=True)}
        return schema  # pyright: ignore[reportReturnType]
