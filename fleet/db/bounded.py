"""A database as somebody sees it who may see a part: every statement is bounded before it runs.

A ``Bound`` says of one table which rows are within reach.  A query gets its condition for every table it
reads, however deep; an update or deletion finds no row outside; a row that is added must be within.  A table
without a bound cannot be read: who adds a table says whose it is.  No store and no route takes part in it.

Source: SQLAlchemy 2 "Core events", ``before_execute`` with ``retval``; statements that are not built of
SQLAlchemy's expressions are refused, because nobody can bound them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Alias,
    Column,
    ColumnClause,
    ColumnElement,
    Connection,
    Delete,
    FromClause,
    Insert,
    Join,
    Select,
    Table,
    Update,
    event,
    select,
)
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from fleet.db.base import metadata
from fleet.db.connect import Database, writing

VALUES_AT_ONCE = 500
"""Keys of added rows that are looked up in one query."""
SEVERAL = "_m"
"""Before the row's number in the parameters of an insertion of several rows (``eui_m1``)."""
_RAW = "passerelle_raw"
"""Marks a query of our own, which looks at everything."""

Condition = Callable[[FromClause], ColumnElement[bool]]


class OutOfReach(PermissionError):
    """What somebody wants to write or read lies outside of their part; names the table."""

    def __init__(self, table: str, detail: str = "outside of the territory") -> None:
        super().__init__(f"{table}: {detail}")
        self.table = table


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The rows of one table within reach."""

    rows: Condition | None = None
    """The condition on a row; None: every row."""
    written: Condition | None = None
    """For changes, where it is narrower than ``rows``."""
    refers: Mapping[str, str] | None = None
    """An added row names rows of ``table.column`` in these columns; those that are there must be within."""
    values: Mapping[str, frozenset[Any]] | None = None
    """An added row may hold these values alone in a column."""
    whole: frozenset[str] = frozenset()
    """Columns that hold more than any part; nobody with a bound reads them."""
    writable: bool = True


Bounds = Mapping[str, Bound]


class BoundedDatabase(Database):
    """The same database through somebody's bounds."""

    def __init__(self, inner: Database, bounds: Bounds) -> None:
        self.url, self.fence, self.seals = inner.url, inner.fence, inner.seals
        self.commits_us = inner.commits_us
        self._engine, self._writing, self._bounds = inner.engine, writing(inner.engine), bounds

    def _seen(self, connection: Connection) -> Connection:
        def before(
            connection: Connection, statement: Any, multiparams: Any, params: Any, options: Any
        ) -> tuple[Any, Any, Any]:
            if not options.get(_RAW):
                statement = bounded(connection, statement, [*multiparams, params], self._bounds)
            return statement, multiparams, params

        event.listen(connection, "before_execute", before, retval=True)
        return connection


def bounded(connection: Connection, statement: Any, given: list[Any], bounds: Bounds) -> Any:
    """Return ``statement`` as it may run.

    Raises:
        OutOfReach: it adds a row outside, reads what only the whole may read, or cannot be bounded.
    """
    if isinstance(statement, Insert):
        _check_added(connection, statement, given, bounds)
    elif not isinstance(statement, (Select, Update, Delete)) and not hasattr(statement, "selects"):
        raise OutOfReach(type(statement).__name__, "a statement that nobody can bound")
    narrowed = _narrowed(statement, bounds)
    if isinstance(narrowed, (Update, Delete)):
        bound = _bound(bounds, narrowed.table)
        if not bound.writable:
            raise OutOfReach(_name(narrowed.table), "changed by people without a territory only")
        condition = bound.written or bound.rows
        return narrowed if condition is None else narrowed.where(condition(narrowed.table))
    return narrowed


def _narrowed(statement: Any, bounds: Bounds) -> Any:
    """Return a copy of ``statement`` in which every query, however deep, has its conditions."""

    def replace(element: Any, **_: Any) -> Any:
        inner = isinstance(element, Select) and element is not statement
        return _narrowed(element, bounds) if inner else None

    copy = replacement_traverse(statement, {}, replace)
    return _limited(copy, bounds) if isinstance(copy, Select) else copy


def _limited(query: Select[Any], bounds: Bounds) -> Select[Any]:
    """Return ``query`` with the conditions of every table that it itself reads.

    Raises:
        OutOfReach: it reads a column that only the whole may read, be it within a cast or a function.
    """
    for table in _tables(query.get_final_froms()):
        bound = _bound(bounds, table)
        if bound.whole and any(
            isinstance(part, ColumnClause) and part.table is table and part.name in bound.whole
            for selected in query.selected_columns
            for part in iterate(selected)
        ):
            raise OutOfReach(_name(table), "holds the whole")
        if bound.rows is not None:
            query = query.where(bound.rows(table))
    return query


def _tables(found: Any) -> Iterator[FromClause]:
    for each in found:
        if isinstance(each, Join):
            yield from _tables((each.left, each.right))
        elif isinstance(each, Table) or (isinstance(each, Alias) and isinstance(each.element, Table)):
            yield each


def _name(table: FromClause) -> str:
    element = table.element if isinstance(table, Alias) else table
    return str(getattr(element, "name", element))


def _bound(bounds: Bounds, table: Any) -> Bound:
    try:
        return bounds[_name(table)]
    except KeyError as error:
        raise OutOfReach(_name(table), "nobody said whose rows these are") from error


def _check_added(connection: Connection, statement: Insert, given: list[Any], bounds: Bounds) -> None:
    """Refuse rows that are not within reach, and keys of what is not.

    Raises:
        OutOfReach: there is one.
    """
    name = _name(statement.table)
    bound = _bound(bounds, statement.table)
    if not bound.writable:
        raise OutOfReach(name, "written by people without a territory only")
    if bound.values is None and bound.refers is None:
        return
    rows = _rows(connection, statement, given)
    for column, allowed in (bound.values or {}).items():
        if any(row.get(column) not in allowed for row in rows):
            raise OutOfReach(name)
    for column, target in (bound.refers or {}).items():
        found = sorted({key for row in rows for key in _keys(row.get(column))})
        table, _, key = target.partition(".")
        there = metadata.tables[table].c[key]
        for begin in range(0, len(found), VALUES_AT_ONCE):
            _check_keys(connection, there, found[begin : begin + VALUES_AT_ONCE], bounds)


def _keys(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return [] if value is None else [value]


def _check_keys(connection: Connection, key: Column[Any], keys: list[Any], bounds: Bounds) -> None:
    """Refuse keys of rows that are there and out of reach; what is not there yet belongs to nobody.

    Raises:
        OutOfReach: one is.
    """
    table, present, raw = key.table, select(key).where(key.in_(keys)), {_RAW: True}
    bound = _bound(bounds, table)
    condition = bound.written or bound.rows
    if condition is None:
        return
    there = set(connection.scalars(present, execution_options=raw))
    within = set(connection.scalars(present.where(condition(table)), execution_options=raw))
    if there - within:
        raise OutOfReach(_name(table))


def _rows(connection: Connection, statement: Insert, given: list[Any]) -> list[dict[str, Any]]:
    """Return the added rows, column → value, from the statement and its parameters.

    Raises:
        OutOfReach: the rows come from a query or an expression.
    """
    if statement.select is not None:
        raise OutOfReach(_name(statement.table), "rows that a query adds cannot be bounded")
    fixed: dict[str, dict[str, Any]] = {}
    for name, value in statement.compile(dialect=connection.dialect).params.items():
        column, several, row = name.rpartition(SEVERAL)
        if several and row.isdigit():
            fixed.setdefault(row, {})[column] = value
        else:
            fixed.setdefault("0", {})[name] = value
    sent = [row for each in given for row in (each if isinstance(each, (list, tuple)) else [each]) if row]
    return [one | dict(row) for one in fixed.values() or [{}] for row in (sent or [{}])]
