"""LNS: silent, gone, rude."""

from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Fault, any_beat, lns_down


def silent(rig: Rig) -> None:
    """The LNS takes everything and answers nothing."""
    rig.lns.silent = True


def answers(rig: Rig) -> None:
    """The LNS answers as it should."""
    rig.lns.silent, rig.lns.rude = False, b""


def unreadable(rig: Rig) -> None:
    """Downlinks that are no JSON."""
    rig.lns.rude = b"\x02\x00\x00\x03{not json"


def giant(rig: Rig) -> None:
    """Downlinks of 60,000 bytes."""
    rig.lns.rude = b"\x02\x00\x00\x03" + b"x" * 60_000


FAULTS = (
    Fault(name="LNS muet", strike=silent, told=lns_down, heal=answers, hears_meanwhile=True),
    Fault(
        name="LNS arrêté (port fermé)",
        strike=lambda rig: rig.lns.close(),
        told=lns_down,
        heal=lambda rig: rig.lns.open(),
        hears_meanwhile=True,
    ),
    Fault(
        name="LNS\u202f: datagrammes illisibles",
        strike=unreadable,
        told=any_beat,
        heal=answers,
        hears_meanwhile=True,
    ),
    Fault(
        name="LNS\u202f: datagrammes géants", strike=giant, told=any_beat, heal=answers, hears_meanwhile=True
    ),
)
