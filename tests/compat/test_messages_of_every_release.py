"""Today's code reads what every released agent said; new code may only append."""

from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from agent.wire.asyncapi import render
from agent.wire.messages import JournalBatch, decode, encode
from agent.wire.topics import topic
from fleet.evidence.decoding import beyond, decode_message
from tests.controlpath.golden_messages import MESSAGES, named

FOLDER = Path(__file__).parent
DOCS = FOLDER.parents[1] / "docs"
FILES = sorted(FOLDER.glob("messages-*.json"))


def within(old: object, new: object) -> bool:
    """Whether every name of ``old`` has the same value in ``new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and within(value, new[name]) for name, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(within, old, new))
    return old == new


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_of_a_release_say_the_same_today(path: Path) -> None:
    rows = msgspec.json.decode(path.read_bytes())
    assert rows
    for row in rows:
        said = named(decode(row["leaf"], bytes.fromhex(row["hex"])))
        assert within(row["says"], said), row


def test_this_version_has_its_file() -> None:
    assert FOLDER / f"messages-{version('passerelle')}.json" in FILES


@pytest.mark.parametrize(("leaf", "message"), MESSAGES)
def test_a_field_that_a_newer_gateway_appends_does_not_disturb(leaf: str, message: msgspec.Struct) -> None:
    plain = msgspec.msgpack.decode(encode(message))
    if leaf == "health" and len(plain) < 15:
        plain += [30, [None] * 7, 0][len(plain) - 11 :]
    longer = msgspec.msgpack.encode([*plain, "from the future"])
    said = named(decode(leaf, longer))
    assert within(named(message), said)
    assert beyond(leaf, longer) == ("from the future",)
    assert beyond(leaf, encode(message)) == ()


def test_what_a_newer_gateway_says_in_a_record_is_kept_to_be_shown() -> None:
    leaf, batch = next(one for one in MESSAGES if isinstance(one[1], JournalBatch))
    records, gone = msgspec.msgpack.decode(encode(batch))
    longer = msgspec.msgpack.encode([[[*record, "new"] for record in records], gone, "more"])
    assert beyond(leaf, longer) == ("new",) * len(records) + ("more",)
    assert '"beyond"' in decode_message(topic("0016c001f12a3b4c", leaf), longer)


def test_the_published_description_is_that_of_the_code() -> None:
    assert (DOCS / "asyncapi.json").read_bytes() == render(version("passerelle"))


def test_the_description_refers_to_what_it_holds() -> None:
    document = msgspec.json.decode(render("0"))
    text = render("0").decode()
    for part in text.split('"$ref": "#/')[1:]:
        node = document
        for name in part.split('"')[0].split("/"):
            node = node[name]
