"""The way between the mast and the world: swallowed packets, lost packets, no modem, no carrier, no names."""

import signal
import time

from agent.wire.messages import Change
from tests.controlpath.rig import Rig
from tests.soak.faults.broker import restart_broker
from tests.soak.faults.fault import Act, Fault, Room, any_beat, journal, presence, run
from tests.soak.faults.room import HOSTS, plug_in, unplug


def drop(rule: str) -> Act:
    """Return an act: both ends drop what comes in and fits the rule, without a word to who sent it."""

    def strike(rig: Rig) -> None:
        for enter, device in ((rig.launcher[:2], "wwan0"), ((), "tower0")):
            run(*enter, "nft", "add table inet cut")
            run(*enter, "nft", "add chain inet cut in { type filter hook input priority 0; policy accept; }")
            run(*enter, "nft", f"add rule inet cut in iifname {device} {rule} drop")

    return strike


def pass_again(rig: Rig) -> None:
    """Nothing is dropped any more."""
    for enter in (rig.launcher[:2], ()):
        run(*enter, "nft", "delete table inet cut")


def no_modem(rig: Rig) -> None:
    """The interface disappears for 45 s, and comes back with another hardware address."""
    unplug(rig)
    rig.frames(10)
    time.sleep(45)
    plug_in(rig)


def no_carrier(rig: Rig) -> None:
    """The interface stays, its line is dead for 45 s."""
    run("ip", "link", "set", "tower0", "down")
    rig.frames(10)
    time.sleep(45)
    run("ip", "link", "set", "tower0", "up")


def flapping(rig: Rig) -> None:
    """Eight cuts of 1.5 s."""
    for _ in range(8):
        run("ip", "link", "set", "tower0", "down")
        time.sleep(1.5)
        run("ip", "link", "set", "tower0", "up")
        rig.frames(4)
        time.sleep(1.5)


def no_names(rig: Rig) -> None:
    """The resolver answers nothing, and every session has to begin again, the agent's own too."""
    (rig.folder / "hosts").write_text("127.0.0.1 localhost\n")
    restart_broker(signal.SIGTERM, 1.0)(rig)
    rig.stop(signal.SIGKILL)
    rig.start()
    rig.wait_receiving()
    rig.frames(10)
    time.sleep(15)
    (rig.folder / "hosts").write_text(HOSTS)


FAULTS = (
    Fault(
        name="trou noir vers la flotte et le LNS",
        strike=drop(""),
        told=presence(online=False),
        heal=pass_again,
        hears_meanwhile=True,
        room=Room.NETWORK,
        needs=("ip", "nft", "nsenter", "unshare"),
    ),
    Fault(
        name="un paquet sur trois perdu",
        strike=drop("numgen random mod 100 < 33"),
        told=any_beat,
        heal=pass_again,
        hears_meanwhile=True,
        room=Room.NETWORK,
        needs=("ip", "nft", "nsenter", "unshare"),
    ),
    Fault(
        name="modem disparu 45 s",
        strike=no_modem,
        told=journal(Change.CONNECTOR, "DOWN"),
        room=Room.NETWORK,
        needs=("ip", "nsenter", "unshare"),
    ),
    Fault(
        name="ligne morte 45 s (sans porteuse)",
        strike=no_carrier,
        told=journal(Change.CONNECTOR, "DOWN"),
        room=Room.NETWORK,
        needs=("ip", "nsenter", "unshare"),
    ),
    Fault(
        name="liaison qui bat (huit coupures)",
        strike=flapping,
        told=any_beat,
        room=Room.NETWORK,
        needs=("ip", "nsenter", "unshare"),
    ),
    Fault(
        name="DNS muet au démarrage, 20 s",
        strike=no_names,
        told=presence(online=True),
        room=Room.NETWORK,
        needs=("ip", "nsenter", "unshare"),
    ),
)
