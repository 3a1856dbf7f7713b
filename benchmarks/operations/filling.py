"""A past: the rows of the operations that are finished, over and over again, in the tables of the product and engine.

Written from outside with SQL: every row of a finished operation is copied under ids of its own. Which columns hold ids
is read from the rows themselves, so that a new table needs no line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, String, Table, create_engine, func, inspect, make_url, select, text

_SAMPLE = 10
# What belongs to no operation, and what is chained: a copy of a sealed chain would be a forged one.
_LEFT_OUT = ("alembic_version", "executors", "clients", "api_keys", "dbos_migrations", "application_versions", "audit")
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def fill(url: str, finished: int) -> int:
    """Bring the store to about so many finished operations; returns how many rows it has then."""
    address = make_url(url)
    engine = create_engine(address.set(drivername=_DRIVERS[address.get_backend_name()]))
    try:
        tables = _tables(engine)
        operations = next(table for table in tables if table.name == "operations")
        with engine.begin() as connection:
            there = int(connection.scalar(select(func.count()).select_from(operations)) or 0)
            samples = [str(one) for one in connection.scalars(select(operations.c.operation_id).limit(_SAMPLE))]
            copies = max(0, (finished - there) // len(samples))
            for table in tables:
                _copy(connection, table, samples, there, copies)
            # The figures follow the events: these were counted long ago.
            connection.execute(text("UPDATE figures_place SET sequence = (SELECT max(sequence) FROM events)"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
            return sum(int(connection.scalar(select(func.count()).select_from(table)) or 0) for table in tables)
    finally:
        engine.dispose()


def _tables(engine: Engine) -> list[Table]:
    """Those of the product, then those of the engine, parents before children."""
    found: list[Table] = []
    names = inspect(engine).get_schema_names()
    for schema in [None, *(name for name in names if name == "dbos")]:
        metadata = MetaData()
        metadata.reflect(engine, schema=schema)
        found += [table for table in metadata.sorted_tables if not table.name.startswith(_LEFT_OUT)]
    return found


def _copy(connection: Connection, table: Table, samples: Sequence[str], there: int, copies: int) -> None:
    own = _naming(connection, table, samples)
    if own is None or not copies:
        return
    copied = set(_ids(connection, table, samples, own))
    kept = [column for column in table.columns if not _counts_by_itself(connection, column)]
    numbers = _numbers(connection, there, copies)
    shown = ", ".join(_shown(table, column, copied) for column in kept)
    names = ", ".join(f'"{column.name}"' for column in kept)
    where = ", ".join(f"'{sample}'" for sample in samples)
    into, belong = table.fullname, f't."{own}" IN ({where})'
    copying = f"INSERT INTO {into} ({names}) SELECT {shown} FROM {into} t, {numbers} n WHERE {belong}"  # noqa: S608  ours
    connection.execute(text(copying))


def _naming(connection: Connection, table: Table, samples: Sequence[str]) -> str | None:
    """The column by which a row of this table belongs to an operation."""
    texts = (column for column in table.columns if isinstance(column.type, String))
    held = (column for column in texts if connection.scalar(select(func.count()).where(column.in_(samples))))
    return next((str(column.name) for column in held), None)


def _ids(connection: Connection, table: Table, samples: Sequence[str], own: str) -> Iterator[str]:
    """The columns whose values no two operations share: they need new ones in a copy."""
    yield own
    for column in table.columns:
        if isinstance(column.type, String) and column.name != own and _is_unique(table, column.name):
            by_value = select(column, func.count(func.distinct(table.c[own]))).where(table.c[own].in_(samples))
            shared = [count for _, count in connection.execute(by_value.group_by(column))]
            if max(shared, default=2) == 1:
                yield str(column.name)


def _is_unique(table: Table, name: str) -> bool:
    indexed = {column.name for index in table.indexes if index.unique for column in index.columns}
    constrained = {
        column.name
        for one in table.constraints
        if one.__class__.__name__ == "UniqueConstraint"
        for column in one.columns  # type: ignore[attr-defined]
    }
    return name in indexed | constrained | {column.name for column in table.primary_key}


def _shown(table: Table, column: Any, copied: set[str]) -> str:
    """A column of a copy: an id of its own, a number of its own, or what the original has."""
    name = f'"{column.name}"'
    if column.name in copied:
        return f"t.{name} || '-' || n.n"
    if _is_only_key(column) and column.type.python_type is int:
        return f"(SELECT max({name}) FROM {table.fullname}) + row_number() OVER ()"  # noqa: S608  names of ours
    return f"t.{name}"


def _counts_by_itself(connection: Connection, column: Any) -> bool:
    if not _is_only_key(column) or column.type.python_type is not int:
        return False
    default = str(getattr(column.server_default, "arg", ""))
    return connection.dialect.name == "sqlite" or default.startswith("nextval") or column.identity is not None


def _is_only_key(column: Any) -> bool:
    return bool(column.primary_key) and len(column.table.primary_key) == 1


def _numbers(connection: Connection, there: int, copies: int) -> str:
    last = there + copies
    if connection.dialect.name == "postgresql":
        return f"(SELECT generate_series({there + 1}, {last}) AS n)"
    counted = f"SELECT {there + 1} UNION ALL SELECT n + 1 FROM c WHERE n < {last}"  # noqa: S608  two numbers of ours
    return f"(WITH RECURSIVE c(n) AS ({counted}) SELECT n FROM c)"  # noqa: S608  likewise
