"""The published description of what gateways and fleet say to each other: AsyncAPI 3.0, made from the types.

``x-reasons`` is the table of reasons: codes, typed values, a sentence in French and in English.
``x-words`` holds the words that may stand as a value.

Sources: AsyncAPI specification 3.0.0 (extensions begin with ``x-``).

``docs/asyncapi.json`` is this document; ``passerelle agent wire --asyncapi`` prints it.
"""

from inspect import cleandoc
from typing import Any

import msgspec

from agent.wire import topics
from agent.wire.command import Command
from agent.wire.configuration import Configuration
from agent.wire.envelope import Envelope
from agent.wire.messages import (
    ConfigReported,
    Delivered,
    Heard,
    Heartbeat,
    JournalAcked,
    JournalBatch,
    Noted,
    Presence,
    Reply,
)
from agent.wire.neighbours import NeighbourDeliveries
from agent.wire.reasons import TABLE, WORDS

_SAID: tuple[tuple[str, str, tuple[type, ...], int, bool, str], ...] = (
    (topics.PRESENCE, "presence", (Presence,), 1, True, "Online or gone; the last will says gone. A hint."),
    (topics.HEALTH, "health", (Heartbeat,), 0, False, "Heartbeat; on the wire in the compact form."),
    (topics.JOURNAL, "journal", (JournalBatch,), 1, False, "Changes of state, until journal/ack."),
    (topics.EVENT, "event", (Delivered, Noted, Heard), 1, False, "One event, told apart by its tag."),
    (topics.CONFIG_REPORTED, "configReported", (ConfigReported,), 1, True, "What runs, and why not more."),
    (f"{topics.REPLY}/{{id}}", "reply", (Reply,), 1, False, "The answer to one command."),
)
_OBEYED: tuple[tuple[str, str, type, int, bool, str], ...] = (
    (topics.CONFIG_DESIRED, "configDesired", Envelope, 1, True, "Signed configuration, kind CONFIGURATION."),
    (f"{topics.COMMAND}/{{id}}", "command", Envelope, 1, False, "Signed: COMMAND, CONFIRMATION, PERMIT."),
    (topics.JOURNAL_ACK, "journalAcked", JournalAcked, 1, False, "What is stored, and what is missing."),
    (topics.NEIGHBOURS, "neighbours", NeighbourDeliveries, 1, False, "What the LNS has through neighbours."),
)
_PAYLOADS = (Configuration, Command)
_CONTENT_TYPE = "application/x-msgpack"
_VALUE_TYPES = {str: "string", int: "integer", float: "number"}


def document(version: str) -> dict[str, Any]:
    """Return the whole description as plain values."""
    types = [kind for _, _, kinds, *_ in _SAID for kind in kinds] + [
        *(kind for _, _, kind, *_ in _OBEYED if kind is not Envelope),
        Envelope,
        *_PAYLOADS,
    ]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():  # Python before 3.13 keeps the indentation of docstrings
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for leaf, name, kinds, qos, retained, summary in _SAID:
        channels[name] = _channel(leaf, [kind.__name__ for kind in kinds], summary)
        operations[f"send_{name}"] = _operation("send", name, qos, retained=retained)
        messages |= {kind.__name__: _message(kind) for kind in kinds}
    for leaf, name, kind, qos, retained, summary in _OBEYED:
        channels[name] = _channel(leaf, [kind.__name__], summary)
        operations[f"receive_{name}"] = _operation("receive", name, qos, retained=retained)
        messages[kind.__name__] = _message(kind)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Passerelle: gateway and fleet",
            "version": version,
            "description": "MessagePack arrays, fields only ever appended; (eui, boot, seq) is unique.",
        },
        "defaultContentType": _CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
        "x-reasons": _reasons(),
        "x-words": {name: dict(sorted(words.items())) for name, words in sorted(WORDS.items())},
    }


def render(version: str) -> bytes:
    """Return the document as indented JSON with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(document(version)), indent=1) + b"\n"


def _reasons() -> dict[str, Any]:
    """Return every code with its values and its sentences; a value of reasons is a list of them."""
    return {
        code: {
            "values": {name: _VALUE_TYPES.get(kind, "reasons") for name, kind in entry.values.items()},
            "fr": entry.french,
            "en": entry.english,
        }
        for code, entry in sorted(TABLE.items())
    }


def _channel(leaf: str, names: list[str], summary: str) -> dict[str, Any]:
    parameters = {"eui": {"description": "EUI-64 of the gateway, 16 lower-case hexadecimal digits"}}
    if "{id}" in leaf:
        parameters["id"] = {"description": "Name of the command; the reply carries the same"}
    return {
        "address": topics.topic("{eui}", leaf),
        "description": summary,
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operation(action: str, channel: str, qos: int, *, retained: bool) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"mqtt": {"qos": qos, "retain": retained, "bindingVersion": "0.2.0"}},
    }


def _message(kind: type) -> dict[str, Any]:
    name = kind.__name__
    return {
        "name": name,
        "contentType": _CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
