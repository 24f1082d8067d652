"""A signed document means to today's code what it meant to the release that it was made for.

The fleet leaves out what is at its default, so a default that changed would change the meaning of a document
without a signature.  ``configuration-VERSION.json`` is written once, at the release, and never again.
"""

from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from agent.wire.configuration import (
    Configuration,
    ConnectorConfig,
    FleetConfig,
    Intervals,
    LbtChannelConfig,
    LbtConfig,
    Limits,
    RadioConfig,
    decode_configuration,
    encode_configuration,
    sparse_configuration,
)
from tests.compat.test_messages_of_every_release import within
from tests.controlpath.virtual import configuration

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("configuration-*.json"))


def test_this_version_has_its_file() -> None:
    assert FOLDER / f"configuration-{version('passerelle')}.json" in FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_default_has_changed(path: Path) -> None:
    row = msgspec.json.decode(path.read_bytes())
    read = decode_configuration(msgspec.json.encode(row["signed"]))
    assert within(row["means"], msgspec.json.decode(encode_configuration(read)))


@pytest.mark.parametrize(
    "content",
    [
        configuration(),
        configuration(radio=RadioConfig(board="rak5146", sx1261=True), permit_needed=True, metrics_port=9),
        configuration(
            radio=RadioConfig(
                board="rak5146",
                sx1261=True,
                lbt=LbtConfig(channels=(LbtChannelConfig(frequency_hz=868_100_000),)),
            )
        ),
        configuration(intervals=Intervals(stat_s=60), limits=Limits(month_bytes=10_000_000)),
        Configuration(
            connectors=(
                ConnectorConfig(name="a", host="h", port=1, contractual=True, replay=False),
                ConnectorConfig(name="b", host="h", port=2, kind="basics_station", tls=True),
            ),
            fleet=FleetConfig(host="f", port=3),
        ),
    ],
)
def test_what_is_signed_is_the_whole_document(content: Configuration) -> None:
    assert decode_configuration(sparse_configuration(content)) == content


def test_an_older_gateway_meets_no_field_that_nobody_set() -> None:
    signed = msgspec.json.decode(sparse_configuration(configuration(radio=RadioConfig(board="rak5146"))))
    assert set(signed) == {"radio", "connectors", "fleet"}
    assert signed["radio"] == {"board": "rak5146"}
