"""``passerelle hal selftest``: a verdict per line, bus to antenna, as far as it can be measured.

Each part of start-up is a check of its own; after the first that fails, those that need it are not run.
"""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial

from hal.bus.access import Registers
from hal.errors import HalError
from hal.fault import FaultKind
from hal.sx1302 import boot, identity
from hal.sx1302.driver import Sx1302
from hal.tools.opening import has_sx1261, opened
from hal.tools.picture import floor_dbm
from hal.tools.words import words
from hal.units import Hz

PATTERNS = (0x55, 0xAA, 0x00, 0xFF)
SCRATCH = tuple(range(0x5B5D, 0x5B65))
"""The FSK sync word: eight whole bytes that start-up writes anyway."""
PPS_LIMIT_US = 2_100_000
GNSS_LIMIT_S = 5
POLL_S = 0.05
NOISE_SCANS = 2000
NOISE_LIMIT_DBM = -80.0
"""A floor above this on a channel drowns sensors: something nearby transmits, or the receiver is broken."""


class CheckVerdict(StrEnum):
    """What a check found."""

    GOOD = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the test."""

    name: str
    verdict: CheckVerdict
    detail: str = ""


STEP_CHECKS = {
    "identify": "check_bus",
    "set up radios": "check_radios",
    "read identity": "check_identity",
    "start AGC": "check_agc",
    "start ARB": "check_arb",
    "start SX1261": "check_sx1261",
}
"""The steps that are a check of their own when they pass."""
STEP_LABELS = STEP_CHECKS | {
    "calibrate radios": "check_radios",
    "configure": "check_registers",
    "prepare transmission": "check_registers",
    "find thermometer": "check_thermometer",
    "finish": "check_registers",
}


def run(options: Namespace) -> int:
    """Print every check as it ends; 0 when none is bad."""
    text = words(options.lang)
    bad = 0
    with opened(options, with_sx1261=True) as (concentrator, choice):
        silent = "no_patch" if has_sx1261(options.bus or choice.board.bus, choice) else "no_sx1261"
        for check in checks(concentrator, text, silent=text[silent], gnss=options.gnss):
            bad += check.verdict is CheckVerdict.BAD
            shown = f"{text[check.verdict]:<14} {check.name}"
            if check.detail:
                shown += text["colon"] + check.detail
            print(json.dumps(asdict(check), ensure_ascii=False) if options.json else shown, flush=True)
    if not options.json:
        print(text["verdict_bad"].format(count=bad) if bad else text["verdict_good"])
    return 1 if bad else 0


def checks(concentrator: Sx1302, text: dict[str, str], *, silent: str, gnss: str | None) -> Iterator[Check]:
    """Yield the checks in order; ``silent`` says why noise cannot be measured, where it cannot."""
    failed = False
    for check in _start(concentrator, text):
        failed = failed or check.verdict is CheckVerdict.BAD
        yield check
    if not failed:
        yield from _running(concentrator, text)
        yield from _noise(concentrator, text, silent)
        yield _pps(concentrator, text)
    yield _gnss(concentrator, text, gnss)


def _start(concentrator: Sx1302, text: dict[str, str]) -> Iterator[Check]:
    """Run start-up step by step; ``adopt`` hands a complete start to the driver."""
    steps = concentrator.prepare_start()
    for name, step in boot.STEPS:
        shown = text[STEP_LABELS[name]]
        try:
            step(steps)
        except HalError as error:
            yield Check(name=shown, verdict=CheckVerdict.BAD, detail=str(error))
            return
        if name in STEP_CHECKS and not (name == "start SX1261" and steps.settings.sx1261 is None):
            yield Check(name=shown, verdict=CheckVerdict.GOOD, detail=_detail(name, steps))
        if name == "read identity":
            yield _registers(steps.registers, text)
    concentrator.adopt(steps)


def _detail(name: str, steps: boot.Boot) -> str:
    if name == "identify":
        return f"{steps.version:#04x} {identity.KNOWN_VERSIONS.get(steps.version, '')}".strip()
    if name == "read identity":
        return steps.eui
    if name == "start SX1261" and steps.sx1261 is not None:
        return steps.sx1261.version
    return ""


def _registers(registers: Registers, text: dict[str, str]) -> Check:
    for pattern in PATTERNS:
        written = bytes(pattern ^ index for index in range(len(SCRATCH)))
        registers.write(SCRATCH[0], written)
        found = registers.read(SCRATCH[0], len(SCRATCH))
        if found != written:
            detail = f"{SCRATCH[0]:#06x}: {written.hex()} -> {found.hex()}"
            return Check(name=text["check_registers"], verdict=CheckVerdict.BAD, detail=detail)
    return Check(name=text["check_registers"], verdict=CheckVerdict.GOOD)


def _running(concentrator: Sx1302, text: dict[str, str]) -> Iterator[Check]:
    status = concentrator.status()
    counter_bad = status.fault is not None and status.fault.kind is FaultKind.COUNTER_STILL
    yield Check(
        name=text["check_counter"],
        verdict=CheckVerdict.BAD if counter_bad else CheckVerdict.GOOD,
        detail=f"{status.counter_us} µs",
    )
    bad = status.fault is not None and not counter_bad
    detail = "" if status.fault is None else str(status.fault)
    parity = CheckVerdict.BAD if bad else CheckVerdict.GOOD
    yield Check(name=text["check_parity"], verdict=parity, detail=detail)
    celsius = concentrator.temperature_c()
    yield Check(
        name=text["check_thermometer"],
        verdict=CheckVerdict.UNKNOWN if celsius is None else CheckVerdict.GOOD,
        detail=text["none"] if celsius is None else f"{celsius:.1f} °C",
    )


def _noise(concentrator: Sx1302, text: dict[str, str], silent: str) -> Iterator[Check]:
    for channel in concentrator.settings.channels:
        if channel is None:
            continue
        radio = concentrator.settings.radios[channel.rf_chain]
        assert radio is not None, "settings were checked"
        frequency_hz = Hz(radio.frequency_hz + channel.if_hz)
        name = text["check_noise"].format(frequency=frequency_hz / 1e6)
        if concentrator.settings.sx1261 is None:
            yield Check(name=name, verdict=CheckVerdict.UNKNOWN, detail=silent)
            continue
        yield _on_line(name, partial(_floor, concentrator, frequency_hz, text))


def _floor(concentrator: Sx1302, frequency_hz: Hz, text: dict[str, str]) -> tuple[CheckVerdict, str]:
    floor = floor_dbm(concentrator.spectral_scan(frequency_hz, NOISE_SCANS))
    if floor is None:
        return CheckVerdict.UNKNOWN, ""
    verdict = CheckVerdict.GOOD if floor <= NOISE_LIMIT_DBM else CheckVerdict.BAD
    return verdict, text["noise"].format(floor=floor)


def _on_line(name: str, measure: Callable[[], tuple[CheckVerdict, str]]) -> Check:
    try:
        verdict, detail = measure()
    except HalError as error:
        return Check(name=name, verdict=CheckVerdict.BAD, detail=str(error))
    return Check(name=name, verdict=verdict, detail=detail)


def _pps(concentrator: Sx1302, text: dict[str, str]) -> Check:
    clock = concentrator.wiring.clock
    first = concentrator.trigger_counter_us()
    end_us = clock.monotonic_us() + PPS_LIMIT_US
    while clock.monotonic_us() < end_us:
        latest = concentrator.trigger_counter_us()
        if latest != first:
            return Check(name=text["check_pps"], verdict=CheckVerdict.GOOD, detail=f"{latest - first} µs")
        clock.sleep(POLL_S)
    return Check(name=text["check_pps"], verdict=CheckVerdict.UNKNOWN, detail=text["no_pps"])


def _gnss(concentrator: Sx1302, text: dict[str, str], port: str | None) -> Check:
    name = text["check_gnss"]
    if port is None:
        return Check(name=name, verdict=CheckVerdict.UNKNOWN, detail=text["no_port"])
    from hal.gnss.receiver import Receiver
    from hal.linux.tty import SerialLine

    def measure() -> tuple[CheckVerdict, str]:
        receiver = Receiver(SerialLine(port, baud=9600, limit_s=POLL_S))
        clock = concentrator.wiring.clock
        end_us = clock.monotonic_us() + GNSS_LIMIT_S * 1_000_000
        try:
            receiver.start()
            while clock.monotonic_us() < end_us:
                receiver.poll()
                if receiver.counts["sentences"] + receiver.counts["frames"]:
                    return (
                        CheckVerdict.GOOD,
                        f"{receiver.counts['sentences']} NMEA, {receiver.counts['frames']} UBX",
                    )
        finally:
            receiver.close()
        return CheckVerdict.BAD, text["no_sentence"].format(seconds=GNSS_LIMIT_S)

    return _on_line(name, measure)
