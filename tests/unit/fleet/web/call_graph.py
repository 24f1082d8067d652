"""Who calls whom, read from the source: from every route to what it does in a transaction.

A name is followed through the globals of its function; a method whose object is not known is followed to
every method of that name in ``fleet`` (too many rather than too few).
"""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

import fleet
from fleet.db.connect import Database
from fleet.db.outside import MARK

SLOW = frozenset({"time.sleep", "asyncio.sleep"})
SLOW_ROOTS = frozenset(
    {"argon2", "openpyxl", "xlsxwriter", "jinja2", "smtplib", "subprocess", "socket", "urllib"}
)
Found = tuple[str, ...]
"""The way from a transaction to what takes long: names, the last is the slow one."""


def functions_of(app: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield what answers each route of an application, and what each depends on."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.route, APIRoute):
            for call in _calls_of(route.dependant):
                yield f"{sorted(route.methods or ())} {route.path}", call


def _calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls_of(inner)


def transactions_below(function: Callable[..., Any]) -> dict[tuple[str, int], tuple[FunctionType, ast.With]]:
    """Return every write transaction that ``function`` begins, itself or through what it calls."""
    found, waiting, seen = {}, [_plain(function)], set()
    while waiting:
        present = waiting.pop()
        if present is None or present in seen:
            continue
        seen.add(present)
        tree = _tree(present)
        for node in ast.walk(tree):
            if isinstance(node, ast.With) and any(_is_write(item.context_expr) for item in node.items):
                found[present.__module__, present.__code__.co_firstlineno + node.lineno] = (present, node)
        waiting += [callee for callee in _below(present) if isinstance(callee, FunctionType)]
    return found


def slow_work(function: FunctionType, transaction: ast.With) -> Found | None:
    """Return the way to something that takes long inside ``transaction``; None if there is none."""
    start = [(callee, ()) for part in transaction.body for callee in _callees(function, part)]
    waiting: list[tuple[Any, Found]] = list(start)
    seen = set()
    while waiting:
        callee, way = waiting.pop()
        name = callee if isinstance(callee, str) else f"{callee.__module__}.{callee.__qualname__}"
        if isinstance(callee, str) or hasattr(callee, MARK):
            return (*way, name)
        if callee not in seen:
            seen.add(callee)
            waiting += [(inner, (*way, name)) for inner in _below(callee)]
    return None


def _is_write(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write"


@cache
def _below(function: FunctionType) -> list[Any]:
    return _callees(function, _tree(function))


def _callees(function: FunctionType, tree: ast.AST) -> list[Any]:
    """Return the functions of ours that ``tree`` calls, and the names of others' slow ones."""
    found: list[Any] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += _targets(function, node.func)
            handed = (_value(function, argument) for argument in node.args)
            found += [body for value in handed if inspect.isfunction(value) for body in _bodies(value)]
    return found


def _targets(function: FunctionType, called: ast.expr) -> list[Any]:
    value = _value(function, called)
    if value is not None:
        return _bodies(value)
    if isinstance(called, ast.Attribute) and not called.attr.startswith("__"):
        return methods().get(called.attr, [])
    return []


def _bodies(value: Any) -> list[Any]:
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    if name in SLOW or name.partition(".")[0] in SLOW_ROOTS:
        return [name]
    if inspect.isclass(value):
        made = (value.__dict__.get("__init__"), value.__dict__.get("__post_init__"))
        return [plain for each in made if each is not None and (plain := _plain(each)) is not None]
    if hasattr(value, MARK):
        return [value]
    plain = _plain(value)
    return [] if plain is None else [plain]


def _value(function: FunctionType, node: ast.expr) -> Any:
    """Return what a name or a dotted name means in ``function``; None if it is a local object's."""
    if isinstance(node, ast.Name):
        return function.__globals__.get(node.id) if node.id not in function.__code__.co_varnames else None
    if isinstance(node, ast.Attribute):
        owner = _value(function, node.value)
        if isinstance(owner, ModuleType) or inspect.isclass(owner):
            return getattr(owner, node.attr, None)
    return None


def _plain(value: Any) -> FunctionType | None:
    value = inspect.unwrap(getattr(value, "__func__", value))
    ours = isinstance(value, FunctionType) and value.__module__.partition(".")[0] in ("fleet", "tests")
    return value if ours else None


@cache
def _tree(function: FunctionType) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # made by a dataclass
        return ast.Module(body=[], type_ignores=[])


@cache
def methods() -> dict[str, list[Any]]:
    """Return the methods of every class of the fleet by name, but those of the database itself."""
    found: dict[str, list[Any]] = {}
    for info in pkgutil.walk_packages(fleet.__path__, "fleet."):
        if ".migrations" in info.name:
            continue
        module = importlib.import_module(info.name)
        for each in vars(module).values():
            if inspect.isclass(each) and each.__module__ == info.name and each is not Database:
                for name, value in vars(each).items():
                    body = value.fget if isinstance(value, property) else value
                    if (plain := _plain(body)) is not None:
                        found.setdefault(name, []).append(body if hasattr(body, MARK) else plain)
    return found
