"""READMEs say what is true: files exist, names and figures are the code's, commands are accepted."""

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import demo.frames
import demo.lns.core
import demo.relay
import demo.replay
import demo.servers
import firmware.cli
import firmware.importing
import firmware.sources
import hal.cli
import provisioning.cli
from firmware.catalogue import CATALOGUE
from hal.gnss import stream, timebase
from hal.linux import tty
from hal.open import synthetic_images
from hal.sx1261 import lbt
from hal.sx1302 import driver, mcu
from hal.sx1302.rx import fifo
from hal.sx1302.timing import clockwork
from hal.twin import __main__ as site
from hal.twin import air, complaints
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines import client, framing, usb_mcu
from hal.twin.lines.server import TwinServer
from hal.twin.parts import fifo as twin_fifo
from hal.twin.reception import channelizer, receiver
from hal.usb import protocol
from passerelle.__main__ import EXTRAS, SUBCOMMANDS
from provisioning.plan import Refusal

ROOT = Path(__file__).parents[1]
FOLDERS = ("hal", "hal/twin", "firmware", "provisioning", "demo")
FENCE = re.compile(r"```.*?```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#]+)")
FILE = re.compile(r"[\w./-]+(/|\.(py|md|toml|c|json))")
NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*(\(\))?")
BRACES = re.compile(r"([\w./]*)\{([\w, ]+)\}([\w./]*)")
COMMAND = re.compile(r"^(?:    |`)(passerelle (?:hal|firmware|provision) [^`#&|]+)", re.MULTILINE)
ELSEWHERE = {"lora_pkt_fwd", "global_conf.json", "FACTS.md", "iotcore"}
"""Names of others' programs and files."""
PARSERS = {"hal": hal.cli._parser, "firmware": firmware.cli._parser, "provision": provisioning.cli._parser}


def text(folder: str) -> str:
    return (ROOT / folder / "README.md").read_text(encoding="utf-8")


def files_in(folder: str) -> list[str]:
    """Return what the README calls a file or a folder: links, and code that looks like one."""
    readme = text(folder)
    spans = [span for code in CODE.findall(FENCE.sub("", readme)) for span in expanded(code)]
    return LINK.findall(readme) + [span for span in spans if FILE.fullmatch(span) and span not in ELSEWHERE]


def expanded(span: str) -> list[str]:
    """Return ``a/{b, c}`` as ``a/b`` and ``a/c``."""
    found = BRACES.fullmatch(span)
    if found is None:
        return [span]
    return [f"{found[1]}{part.strip()}{found[3]}" for part in found[2].split(",")]


def stands(folder: str, path: str) -> bool:
    base = ROOT / folder
    return any(
        (start / path).exists() or any(start.glob(f"**/{path}")) for start in (base, ROOT / "tests", ROOT)
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_a_readme_names_exists(folder: str) -> None:
    assert [
        path
        for path in files_in(folder)
        if not path.startswith(("/", "~", "http")) and not stands(folder, path)
    ] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_name_that_a_readme_uses_is_in_the_code(folder: str) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py"))
    known = set(re.findall(r"\w+", sources)) | ELSEWHERE | set(re.findall(r"lbt_\w+", " ".join(lbt_counts())))
    names = [
        span
        for span in CODE.findall(FENCE.sub("", text(folder)))
        if NAME.fullmatch(span) and not FILE.fullmatch(span)
    ]
    assert [name for name in names if not set(re.findall(r"\w+", name)) <= known | files()] == []


def lbt_counts() -> list[str]:
    """Return the counters that the driver makes from verdicts."""
    return [f"lbt_{verdict}" for verdict in lbt.LbtVerdict]


def files() -> set[str]:
    return {
        path.stem
        for package in ("hal", "firmware", "provisioning", "demo", "agent", "passerelle")
        for path in (ROOT / package).rglob("*")
    }


@pytest.mark.parametrize("folder", [*FOLDERS, "."])
def test_a_command_that_a_readme_shows_is_accepted(folder: str) -> None:
    for command in COMMAND.findall(text(folder)):
        _, package, *words = shlex.split(command.replace("…", ""))
        if "|" in command or not words or words[0].isupper():
            continue
        try:
            PARSERS[package]().parse_args(words)
        except SystemExit as refused:
            raise AssertionError(f"{folder}: {command!r} is refused") from refused


def test_the_example_of_the_twin_runs(tmp_path: Path) -> None:
    (example,) = PYTHON.findall(text("hal/twin"))
    exec(compile(example.replace("/tmp/chip", str(tmp_path / "chip")), "hal/twin/README.md", "exec"), {})


@pytest.mark.slow
def test_the_example_of_hal_runs(tmp_path: Path) -> None:
    (example,) = PYTHON.findall(text("hal"))
    path = tmp_path / "chip"
    with TwinServer(VirtualChip(eui="0016c001f12a3b4c", clock=VirtualClock()), path):
        names: dict[str, Any] = {"images": synthetic_images()}
        exec(compile(example.replace("spi:/dev/spidev0.0", f"socket:{path}"), "hal/README.md", "exec"), names)
        assert names["radio"].started
        names["radio"].stop()


def test_a_command_that_is_wrong_would_be_found() -> None:
    assert COMMAND.findall("    passerelle hal listen --wrong   # x") == ["passerelle hal listen --wrong   "]
    with pytest.raises(SystemExit):
        PARSERS["hal"]().parse_args(["listen", "--wrong"])
    assert isinstance(PARSERS["hal"](), argparse.ArgumentParser)


ROWS = {
    "hal": (
        f"| handshake with a microcontroller | {mcu.STATUS_LIMIT_US // 1_000_000} s a step |",
        f"| TX abort | {driver.ABORT_LIMIT_US // 1_000_000} s |",
        f"| LBT verdict, clearing | {lbt.VERDICT_LIMIT_US // 1000} ms after departure, "
        f"{lbt.CLEAR_LIMIT_US // 1000} ms |",
        f"| FIFO count, counters | {fifo.READINGS_LIMIT} more readings |",
        f"| FIFO count, counters | {clockwork.READINGS_LIMIT} more readings |",
        f"| carried-over bytes of a cut packet | {fifo.PACKET_LIMIT_BYTES} |",
        f"| USB answer | {tty.READ_LIMIT_S:.0f} s, {protocol.COMMAND_LIMIT_BYTES:,} B; "
        f"bulk {protocol.BULK_LIMIT_REQUESTS} requests, {protocol.BULK_LIMIT_BYTES:,} B |",
        f"read every {clockwork.REFRESH_INTERVAL_US // 1_000_000} s "
        f"({clockwork.HISTORY_INTERVAL_US / 1e6:.1f} s for fine time)",
        f"| RSSI temperature | {driver.TEMPERATURE_INTERVAL_US // 1_000_000} s old |",
        f"| GNSS buffer, time base | {stream.BUFFER_LIMIT_BYTES:,} B, "
        f"{timebase.AGE_LIMIT_US // 1_000_000} s old |",
    ),
    "hal/twin": (
        f"| RX FIFO | {twin_fifo.FIFO_LIMIT_BYTES} B |",
        f"| demodulators | {channelizer.MULTI_SF_MODEMS} |",
        f"| frames waiting for their end | {receiver.PENDING_LIMIT:,} |",
        f"| frames on air in `Air` | {air.ON_AIR_LIMIT:,} |",
        f"| complaints kept | {complaints.COMPLAINTS_KEPT:,} |",
        f"`sys.setswitchinterval({site.THREAD_SWITCH_S})`",
        f"| socket frame | {framing.BODY_LIMIT_BYTES:,} B |",
        f"| answer to the client | {client.DEADLINE_S:.0f} s |",
        f"| USB command | {usb_mcu.COMMAND_LIMIT_BYTES:,} B, {usb_mcu.BULK_LIMIT_REQUESTS} requests |",
    ),
    "firmware": (
        f"| entries looked at | {firmware.sources.MEMBER_LIMIT:,} |",
        f"| files that look like images | {firmware.sources.CANDIDATE_LIMIT} |",
        f"announced size | {firmware.sources.FILE_LIMIT_BYTES // 1_048_576} MiB |",
        f"| elements of a C array | {firmware.importing.ELEMENT_LIMIT:,} |",
        *(
            f"| `{entry.name}` | {entry.version} | {entry.size_bytes} | {'always' if entry.required else ''}"
            for entry in CATALOGUE
        ),
    ),
    "provisioning": (
        f"at most every {provisioning.cli.JSON_EVERY_S} s",
        f"| {provisioning.cli.REFUSED} | it would be erased",
        f"| {provisioning.cli.FAILED} | the medium is bad",
        *(f"(`{refusal.name}`)" for refusal in Refusal),
    ),
    "demo": (
        f"| `lns.core.DEDUPLICATION_US` | {demo.lns.core.DEDUPLICATION_US // 1000} ms |",
        f"| `lns.core.SEEN_LIMIT` | {demo.lns.core.SEEN_LIMIT:,} deliveries |",
        f"| `replay.BURST_FRAMES` | {demo.replay.BURST_FRAMES} frames a gateway |",
        f"| `replay.SETTLE_LIMIT_S` | {demo.replay.SETTLE_LIMIT_S:.0f} s without an arrival |",
        f"| `frames.LINE_LIMIT_BYTES` | {demo.frames.LINE_LIMIT_BYTES // 1024} KiB |",
        f"| `relay.CLIENTS_LIMIT` | {demo.relay.CLIENTS_LIMIT} UDP clients |",
        f"| `servers.KEPT_LIMIT` | {demo.servers.KEPT_LIMIT} mails in the list |",
    ),
}
"""What a README says where the code has a figure, made from the code."""


@pytest.mark.parametrize(("folder", "row"), [(folder, row) for folder, rows in ROWS.items() for row in rows])
def test_a_figure_of_a_readme_is_the_figure_of_the_code(folder: str, row: str) -> None:
    assert row in text(folder)


def test_every_room_of_hal_is_on_the_readmes_floors() -> None:
    floors = text("hal").partition("The floors,")[2].partition("Pure (")[0]
    rooms = {path.stem for path in (ROOT / "hal").iterdir() if path.suffix == ".py" or path.is_dir()}
    outside = {"__init__", "__pycache__", "decisions", "boards", "plans", "README"}
    assert {room for room in rooms - outside if not re.search(rf"\b{room}\b", floors)} == set()


def test_the_extra_that_a_sub_command_asks_for_exists() -> None:
    declared = set(
        re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(EXTRAS) <= set(SUBCOMMANDS)
    assert set(EXTRAS.values()) <= declared
