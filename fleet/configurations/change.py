"""A changed configuration by path and value, such as ``connectors.0.host = lns.example.fr``; pure.

Paths are read and shown with dots, on gateways and in the fleet.  ``connectors[0].host`` of JSONPath
is taken when it is typed.

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

_INDEX = re.compile(r"\[(\d{1,9})\]")


def change(configuration: Configuration, changes: Mapping[str, str]) -> Configuration:
    """Return ``configuration`` with each path set; a value is JSON where it can be, else text.

    Raises:
        ConfigurationError: no such path, or a value outside its rule.
    """
    document = msgspec.json.decode(encode_configuration(configuration))
    for path, text in changes.items():
        _set(document, dotted(path), text)
    return decode_configuration(msgspec.json.encode(document))


def dotted(path: str) -> str:
    """Return a path as it is shown.

    >>> dotted("connectors[0].host"), dotted("connectors.0.host")
    ('connectors.0.host', 'connectors.0.host')
    """
    return _INDEX.sub(r".\1", path.strip())


def differences(before: Configuration, after: Configuration) -> dict[str, tuple[str, str]]:
    """Return path → (before, after) of every value that differs."""
    flat_before, flat_after = flatten(before), flatten(after)
    paths = dict.fromkeys((*flat_before, *flat_after))
    return {
        path: (flat_before.get(path, ""), flat_after.get(path, ""))
        for path in paths
        if flat_before.get(path) != flat_after.get(path)
    }


def flatten(configuration: Configuration) -> dict[str, str]:
    """Return every value by its path, as the form shows them."""
    found: dict[str, str] = {}
    _walk(msgspec.json.decode(encode_configuration(configuration)), "", found)
    return found


def _walk(value: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in items:
            _walk(inner, f"{path}.{name}" if path else str(name), found)
    else:
        found[path] = value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _set(document: Any, path: str, text: str) -> None:
    *parents, last = path.split(".")
    node = document
    for part in parents:
        node = _inner(node, part, path)
    present = _inner(node, last, path)
    if isinstance(present, dict | list):
        group = reasons.document.setting_group()
        raise ConfigurationError(reasons.document.field(path=path, cause=group))
    node[int(last) if isinstance(node, list) else last] = text if isinstance(present, str) else _value(text)


def _inner(node: Any, part: str, path: str) -> Any:
    try:
        return node[int(part)] if isinstance(node, list) else node[part]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        absent = reasons.document.no_such_setting()
        raise ConfigurationError(reasons.document.field(path=path, cause=absent)) from error


def _value(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
