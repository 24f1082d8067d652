"""A changed configuration by path and value, such as ``connectors.0.host = lns.example.fr``; pure.

Paths are read and shown with dots, on gateways and in the fleet.  ``connectors[0].host`` of JSONPath
is taken when it is typed.

    connectors.1.host = b.example            the next index of a list adds an entry (with its other fields)
    connectors.1 = null                      removes an entry; the others move up after all changes are made
    connectors.0.filters.net_ids = ["000002"]    a list of values is set whole

>>> from agent.wire.configuration import ConnectorConfig, FleetConfig
>>> lns = ConnectorConfig(name="lns", host="a", port=1700, contractual=True)
>>> before = Configuration(connectors=(lns,), fleet=FleetConfig(host="b", port=8883))
>>> change(before, {"connectors.0.host": "c"}).connectors[0].host
'c'
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from agent.wire import reasons
from agent.wire.configuration import (
    Configuration,
    ConfigurationError,
    decode_configuration,
    encode_configuration,
)
from agent.wire.hidden import is_secret

REMOVED = "null"
"""Typed for an entry of a list: it is taken out."""
_INDEX = re.compile(r"\[(\d{1,9})\]")


def change(configuration: Configuration, changes: Mapping[str, str]) -> Configuration:
    """Return ``configuration`` with each path set; a value is JSON where it can be, else text.

    Raises:
        ConfigurationError: no such path, or a value outside its rule.
    """
    document = msgspec.json.decode(encode_configuration(configuration))
    for path, text in sorted(changes.items(), key=lambda change: _order(dotted(change[0]))):
        _set(document, dotted(path), text)
    return decode_configuration(msgspec.json.encode(_without_removed(document)))


def _order(path: str) -> list[tuple[bool, int, str]]:
    """Entries are added in the order of their index, whatever order they were typed in."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in path.split(".")]


def _without_removed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_removed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_removed(inner) for inner in value if inner is not None]
    return value


def dotted(path: str) -> str:
    """Return a path as it is shown.

    >>> dotted("connectors[0].host"), dotted("connectors.0.host")
    ('connectors.0.host', 'connectors.0.host')
    """
    return _INDEX.sub(r".\1", path.strip())


def differences(before: Configuration, after: Configuration) -> dict[str, tuple[str, str]]:
    """Return path → (before, after) of every value that differs; of a secret only that it does."""
    flat_before, flat_after = flatten(before), flatten(after)
    paths = dict.fromkeys((*flat_before, *flat_after))
    return {
        path: ("…", "…") if is_secret(path) else (flat_before.get(path, ""), flat_after.get(path, ""))
        for path in paths
        if flat_before.get(path) != flat_after.get(path)
    }


def flatten(configuration: Configuration) -> dict[str, str]:
    """Return every value by its path, as the form shows them."""
    found: dict[str, str] = {}
    _walk(msgspec.json.decode(encode_configuration(configuration)), "", found)
    return found


def _walk(value: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in items:
            _walk(inner, f"{path}.{name}" if path else str(name), found)
    else:
        found[path] = value if isinstance(value, str) else msgspec.json.encode(value).decode()


class _Added(dict[str, Any]):
    """An entry that is being added: the schema judges its fields once they are all there."""


def _set(document: Any, path: str, text: str) -> None:
    *parents, last = path.split(".")
    node = document
    for part in parents:
        node = _inner(node, part, path)
    if isinstance(node, _Added):
        node[last] = _value(text)
        return
    present = _inner(node, last, path)
    value = text if isinstance(present, str | _Added) else _value(text)
    if isinstance(node, list) and text == REMOVED:
        node[int(last)] = None
        return
    if type(present) is dict or (isinstance(present, list) and not isinstance(value, list)):
        group = reasons.document.setting_group()
        raise ConfigurationError(reasons.document.field(path=path, cause=group))
    node[int(last) if isinstance(node, list) else last] = value


def _inner(node: Any, part: str, path: str) -> Any:
    """Return what a path leads to; the next index of a list is there from now on."""
    if isinstance(node, _Added):
        return node.setdefault(part, _Added())
    try:
        if isinstance(node, list) and int(part) == len(node):
            node.append(_Added())
        return node[int(part)] if isinstance(node, list) else node[part]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        no_setting = reasons.document.no_such_setting()
        raise ConfigurationError(reasons.document.field(path=path, cause=no_setting)) from error


def _value(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
