"""What kind of value each setting takes, read from the configuration's own schema; pure.

A setting is known by its path without the indices of lists: ``connectors.0.host`` and ``connectors.1.host``
are both ``connectors.host``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import inspect

from agent.wire.configuration import Configuration


class SettingKind(StrEnum):
    """How a setting is asked for."""

    SWITCH = "switch"
    """Yes or no."""
    CHOICE = "choice"
    """One of a few values."""
    NUMBER = "number"
    TEXT = "text"
    LIST = "list"
    """Several values, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRule:
    """What a setting may be."""

    name: str
    """Its path without indices."""
    kind: SettingKind
    choices: tuple[str, ...] = ()
    """What a CHOICE takes, as the document writes it; an empty text stands for none."""
    least: float | None = None
    """Smallest NUMBER, in the unit that the name ends with; None: no bound."""
    most: float | None = None
    whole: bool = True
    """A NUMBER without decimals."""
    optional: bool = False
    """``null`` says that there is none."""
    length_limit: int | None = None
    """Characters of a TEXT."""


def name_of(path: str) -> str:
    """Return a setting's name.

    >>> name_of("connectors.0.host")
    'connectors.host'
    """
    return ".".join(part for part in path.split(".") if not part.isdecimal())


def rule_of(path: str) -> SettingRule | None:
    """Return what a setting may be; None: there is no such setting."""
    return RULES.get(name_of(path))


def _walk(node: inspect.Type, name: str) -> Iterator[SettingRule]:
    if isinstance(node, inspect.StructType):
        for field in node.fields:
            yield from _walk(field.type, f"{name}.{field.encode_name}".lstrip("."))
    elif isinstance(node, inspect.VarTupleType) and isinstance(node.item_type, inspect.StructType):
        yield SettingRule(name=name, kind=SettingKind.LIST)
        yield from _walk(node.item_type, name)
    else:
        yield _leaf(node, name)


def _leaf(node: inspect.Type, name: str) -> SettingRule:
    if isinstance(node, inspect.UnionType):
        (inner,) = (one for one in node.types if not isinstance(one, inspect.NoneType))
        return replace(_leaf(inner, name), optional=True)
    if isinstance(node, inspect.IntType | inspect.FloatType):
        whole = isinstance(node, inspect.IntType)
        return SettingRule(name=name, kind=SettingKind.NUMBER, least=node.ge, most=node.le, whole=whole)
    if isinstance(node, inspect.LiteralType):
        choices = tuple(str(one) for one in node.values)
        return SettingRule(name=name, kind=SettingKind.CHOICE, choices=choices)
    if isinstance(node, inspect.StrType):
        return SettingRule(name=name, kind=SettingKind.TEXT, length_limit=node.max_length)
    return SettingRule(name=name, kind=_PLAIN[type(node)])


_PLAIN: Final = {inspect.BoolType: SettingKind.SWITCH, inspect.VarTupleType: SettingKind.LIST}
RULES: Final[Mapping[str, SettingRule]] = MappingProxyType(
    {rule.name: rule for rule in _walk(inspect.type_info(Configuration), "")}
)
"""Every setting of a configuration by its name."""
