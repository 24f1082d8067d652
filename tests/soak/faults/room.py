"""The room in which a fault is played: this host, or namespaces with a virtual modem in between.

In the network room (``unshare --net --mount``) the agent lives in a second namespace behind ``wwan0``
(10.77.0.2); broker, LNS and enrolment listen at ``tower0`` (10.77.0.1) and have names in a hosts file.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Room, run

SERVERS, GATEWAY = "10.77.0.1", "10.77.0.2"
BROKER_NAME, LNS_NAME = "flotte.test", "lns.test"
HOSTS = f"127.0.0.1 localhost\n{SERVERS} {BROKER_NAME} {LNS_NAME}\n"
NOWHERE = "10.77.0.9"
"""Nobody has this address: what is sent there is never answered."""


@contextmanager
def room(kind: Room, folder: Path) -> Iterator[Rig]:
    """Yield a rig in its room."""
    if kind is Room.HOST:
        with Rig(folder) as rig:
            yield rig
        return
    run("ip", "link", "set", "lo", "up")
    keeper = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE
    )
    assert keeper.stdout is not None
    keeper.stdout.readline()
    try:
        (folder / "hosts").write_text(HOSTS)
        (folder / "resolv.conf").write_text(f"nameserver {NOWHERE}\n")
        run("mount", "--bind", str(folder / "hosts"), "/etc/hosts")
        run("mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf")
        with Rig(
            folder,
            broker_bind="0.0.0.0",
            broker_host=BROKER_NAME,
            lns_host=LNS_NAME,
            enrol_host=BROKER_NAME,
        ) as rig:
            rig.launcher = ("nsenter", f"--net=/proc/{keeper.pid}/ns/net", "--")
            plug_in(rig)
            yield rig
    finally:
        keeper.kill()
        keeper.wait()


def inside(rig: Rig, *words: str) -> None:
    """Run a program in the agent's namespace."""
    run(*rig.launcher[:2], *words)


def plug_in(rig: Rig) -> None:
    """The modem appears and gets its address."""
    run("ip", "link", "add", "tower0", "type", "veth", "peer", "name", "wwan0")
    run("ip", "link", "set", "wwan0", "netns", rig.launcher[1].removeprefix("--net=/proc/").split("/")[0])
    run("ip", "addr", "add", f"{SERVERS}/24", "dev", "tower0")
    run("ip", "link", "set", "tower0", "up")
    inside(rig, "ip", "link", "set", "lo", "up")
    inside(rig, "ip", "addr", "add", f"{GATEWAY}/24", "dev", "wwan0")
    inside(rig, "ip", "link", "set", "wwan0", "up")


def unplug(_: Rig) -> None:
    """The modem disappears."""
    run("ip", "link", "del", "tower0")
