"""How the connections of PostgreSQL's drivers are spoken to: those of DB-API, asyncpg, Django and SQLAlchemy.

None of them is imported: who has a connection has loaded its driver.
"""

# What comes of drivers that may not be there has no types.
# pyright: reportAny=false, reportExplicitAny=false
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from komopay.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    _Found: TypeAlias = Sequence[object] | Mapping[str, object] | None
    """A row that was asked for, if there is one."""

__all__ = ["async_driver", "driver"]


def driver(connection: Any) -> tuple[str, Callable[[str, object], _Found]]:
    """The style of the placeholders of whoever takes statements for this connection, and what asks one."""
    if _is_of(connection, "sqlalchemy.orm", "Session", "scoped_session") or _is_of(
        connection, "sqlalchemy.engine", "Connection"
    ):
        return "named", lambda statement, values: connection.execute(_text(statement), values).first()
    if _async_kind(connection) is not None:
        raise _refused("is asynchronous: await add_async")
    if not hasattr(connection, "cursor"):
        raise _refused(f"must be a connection of DB-API, or a session of SQLAlchemy, not {_name(connection)}")
    _check_transaction(connection)
    if _is_of(connection, "psycopg", "Connection"):
        psycopg = sys.modules["psycopg"]

        def ask_psycopg(statement: str, values: object) -> _Found:
            # Neither the rows nor the placeholders that the connection may be set to.
            with psycopg.Cursor(connection, row_factory=psycopg.rows.tuple_row) as cursor:
                return cast("_Found", cursor.execute(statement, values).fetchone())

        return "format", ask_psycopg

    def ask(statement: str, values: object) -> _Found:
        cursor = connection.cursor()
        try:
            cursor.execute(statement, values)
            return cast("_Found", cursor.fetchone())
        finally:
            cursor.close()

    return _paramstyle(connection), ask


def async_driver(connection: Any) -> tuple[str, Callable[[str, object], Awaitable[_Found]]]:
    """The same of who is awaited."""
    kind = _async_kind(connection)
    if kind == "sqlalchemy":

        async def ask_sqlalchemy(statement: str, values: object) -> _Found:
            return cast("_Found", (await connection.execute(_text(statement), values)).first())

        return "named", ask_sqlalchemy
    if kind == "psycopg":
        _check_transaction(connection)
        psycopg = sys.modules["psycopg"]

        async def ask_psycopg(statement: str, values: object) -> _Found:
            async with psycopg.AsyncCursor(connection, row_factory=psycopg.rows.tuple_row) as cursor:
                return cast("_Found", await (await cursor.execute(statement, values)).fetchone())

        return "format", ask_psycopg
    if kind == "asyncpg":
        if not connection.is_in_transaction():
            raise _refused(_COMMITS_BY_ITSELF)

        async def ask_asyncpg(statement: str, values: object) -> _Found:
            return cast("_Found", await connection.fetchrow(statement, *cast("tuple[object, ...]", values)))

        return "numeric_dollar", ask_asyncpg
    raise _refused(
        f"must be an asynchronous connection of psycopg, asyncpg or SQLAlchemy, not {_name(connection)}; others are "
        "for add"
    )


def _async_kind(connection: object) -> str | None:
    if _is_of(connection, "sqlalchemy.ext.asyncio", "AsyncSession", "AsyncConnection", "async_scoped_session"):
        return "sqlalchemy"
    if _is_of(connection, "psycopg", "AsyncConnection"):
        return "psycopg"
    return "asyncpg" if _is_of(connection, "asyncpg", "Connection", "pool.PoolConnectionProxy") else None


def _is_of(connection: object, module: str, *names: str) -> bool:
    """Whether it is one of these, of a module that is loaded if it is."""
    loaded = sys.modules.get(module)
    for name in names if loaded is not None else ():
        found: object = loaded
        for part in name.split("."):
            found = getattr(found, part, None)
        if isinstance(found, type) and isinstance(connection, found):
            return True
    return False


def _text(statement: str) -> object:
    return sys.modules["sqlalchemy"].text(statement)


_COMMITS_BY_ITSELF = (
    "is in no transaction, and would commit the payout by itself: begin one, in which the order is written, too"
)


def _check_transaction(connection: Any) -> None:
    """Refuses a connection of which it is known that it would commit at once."""
    if hasattr(connection, "in_atomic_block"):
        # Django's.
        commits_by_itself = not connection.in_atomic_block and connection.get_autocommit()
    else:
        # psycopg, and psycopg2: 0 is idle.
        info = getattr(connection, "info", None)
        is_idle = getattr(info, "transaction_status", None) == 0
        commits_by_itself = is_idle and getattr(connection, "autocommit", False) is True
    if commits_by_itself:
        raise _refused(_COMMITS_BY_ITSELF)


def _paramstyle(connection: Any) -> str:
    """What the module of the driver says."""
    # Django's names its driver; what SQLAlchemy's pool hands out holds the driver's own.
    driver = getattr(connection, "Database", None)
    style: object = getattr(driver, "paramstyle", None)
    if style is None:
        of_driver: object = getattr(connection, "driver_connection", connection)
        for of in type(of_driver).__mro__:
            path = of.__module__.split(".")
            modules = (sys.modules.get(".".join(path[:count])) for count in range(len(path), 0, -1))
            style = next((found for each in modules if (found := getattr(each, "paramstyle", None))), None)
            if style is not None:
                break
    if style not in ("format", "pyformat", "qmark", "numeric", "numeric_dollar", "named"):
        raise _refused(
            f"is {_name(connection)}, of no driver that is known: its module has no paramstyle of DB-API. Give the "
            "driver's own connection"
        )
    return style


def _name(connection: object) -> str:
    of = type(connection)
    return f"{of.__module__}.{of.__qualname__}"


def _refused(problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"connection: {problem}", field="connection")
