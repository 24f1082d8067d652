"""What is wrong with a JSON document, as a reason: the first field that does not fit its type, with the rule.

msgspec decides whether a document fits; this finds out where and why without reading its sentence.  The rules
come from the types themselves, so that a rule stands in one place.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from agent.wire import reasons
from agent.wire.reasons import Reason

_KINDS = {
    inspect.StrType: "str",
    inspect.IntType: "int",
    inspect.FloatType: "float",
    inspect.BoolType: "bool",
    inspect.NoneType: "null",
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.ListType: "array",
    inspect.VarTupleType: "array",
}


class Misfit(NamedTuple):
    """Where a value does not fit, and the rule that it breaks."""

    path: str
    rule: Reason


def misfit(kind: Any, payload: bytes, error: Exception) -> Reason:
    """Return why ``payload`` is no JSON document of ``kind``; ``error`` is what decoding it raised."""
    cause = error.__cause__
    if isinstance(cause, reasons.ReasonedError):
        return cause.why
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return reasons.document.not_json(detail=str(error))
    found = value_misfit(kind, value)
    if found is None:
        return reasons.document.invalid(detail=str(error))
    return reasons.document.field(path=found.path, cause=found.rule) if found.path else found.rule


def value_misfit(kind: Any, value: Any) -> Misfit | None:
    """Return the first field of ``value`` that does not fit ``kind``, or None when all do."""
    return _look(inspect.type_info(kind), value, "")


def _look(kind: inspect.Type, value: Any, path: str) -> Misfit | None:
    if isinstance(kind, inspect.Metadata):
        return _look(kind.type, value, path)
    if isinstance(kind, inspect.UnionType):
        return _union(kind, value, path)
    if isinstance(kind, inspect.EnumType | inspect.LiteralType):
        admitted = kind.values if isinstance(kind, inspect.LiteralType) else [one.value for one in kind.cls]
        return (
            None if value in admitted else Misfit(path, reasons.document.not_admitted(found_value=str(value)))
        )
    found = _kind_of(value)
    wanted = _KINDS.get(type(kind), "")
    if wanted and found != wanted and (wanted, found) != ("float", "int"):
        return Misfit(path, reasons.document.wrong_type(expected=wanted, found=found))
    check = _CHECKS.get(type(kind))
    return None if check is None else check(kind, value, path)


def _items(kind: Any, value: list[Any], path: str) -> Misfit | None:
    looks = (_look(kind.item_type, one, f"{path}.{index}") for index, one in enumerate(value))
    return next((why for why in looks if why is not None), None)


def _values(kind: Any, value: dict[str, Any], path: str) -> Misfit | None:
    looks = (_look(kind.value_type, one, f"{path}.{key}") for key, one in value.items())
    return next((why for why in looks if why is not None), None)


def _union(kind: inspect.UnionType, value: Any, path: str) -> Misfit | None:
    looks = [_look(one, value, path) for one in kind.types if not isinstance(one, inspect.NoneType)]
    fits = None in looks or (value is None and len(looks) < len(kind.types))
    return None if fits else looks[0]


def _struct(kind: inspect.StructType, value: dict[str, Any], path: str) -> Misfit | None:
    start = f"{path}." if path else ""
    fields = {field.encode_name: field for field in kind.fields}
    for name, one in value.items():
        if name not in fields:
            if kind.forbid_unknown_fields:
                return Misfit(f"{start}{name}", reasons.document.unknown_field())
            continue
        why = _look(fields[name].type, one, f"{start}{name}")
        if why is not None:
            return why
    missing = next((name for name, field in fields.items() if field.required and name not in value), None)
    return None if missing is None else Misfit(f"{start}{missing}", reasons.document.missing())


def _number(kind: inspect.IntType | inspect.FloatType, value: float, path: str) -> Misfit | None:
    least, most = kind.ge if kind.ge is not None else kind.gt, kind.le if kind.le is not None else kind.lt
    if (kind.ge is not None and value < kind.ge) or (kind.gt is not None and value <= kind.gt):
        return Misfit(path, reasons.document.too_small(least=least or 0))
    if (kind.le is not None and value > kind.le) or (kind.lt is not None and value >= kind.lt):
        return Misfit(path, reasons.document.too_great(most=most or 0))
    return None


def _string(kind: inspect.StrType, value: str, path: str) -> Misfit | None:
    if kind.min_length is not None and len(value) < kind.min_length:
        return Misfit(path, reasons.document.too_short(least=kind.min_length))
    if kind.max_length is not None and len(value) > kind.max_length:
        return Misfit(path, reasons.document.too_long(most=kind.max_length))
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return Misfit(path, reasons.document.wrong_form())
    return None


_CHECKS: dict[type, Callable[[Any, Any, str], Misfit | None]] = {
    inspect.StructType: _struct,
    inspect.ListType: _items,
    inspect.VarTupleType: _items,
    inspect.DictType: _values,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.StrType: _string,
}
_FOUND = ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), (list, "array"), (type(None), "null"))
"""A bool is an int to Python, so it comes first."""


def _kind_of(value: Any) -> str:
    return next((name for kind, name in _FOUND if isinstance(value, kind)), "object")
