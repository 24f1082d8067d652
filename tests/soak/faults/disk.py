"""The card: full, read-only, slow."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from agent.wire.messages import Change
from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Fault, any_beat, journal, run

SLOW_US = 2_000_000
"""Each fsync takes so long: a worn SD card that reorganises itself."""


def onto(rig: Rig, *mount: str) -> None:
    """Move the state folder onto a file system of its own and start the agent there."""
    rig.stop()
    kept = rig.folder / "kept"
    run("cp", "-a", str(rig.state), str(kept))
    run("mount", *mount, str(rig.state))
    rig._closing.callback(lambda: subprocess.run(["umount", "-l", rig.state], check=False))
    run("cp", "-a", f"{kept}/.", str(rig.state))
    run("sync", "-f", str(rig.state))  # what the agent wrote durably is durable here too
    rig.start()
    rig.wait_serving(time.monotonic())


def fill(folder: Path) -> None:
    """Write until nothing more fits."""
    with (folder / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def deaf_for(rig: Rig, seconds: float) -> None:
    """Make the agent have something to write: the radio is deaf for a while."""
    rig.chip.faults.agc_stuck = True
    time.sleep(seconds)
    rig.chip.faults.agc_stuck = False


def full(rig: Rig) -> None:
    """Nothing more fits; meanwhile the LNS is silent for a moment, so that frames have to be kept."""
    onto(rig, "-t", "tmpfs", "-o", "size=3m", "tmpfs")
    fill(rig.state)
    deaf_for(rig, 15)


def emptied(rig: Rig) -> None:
    """There is room again."""
    (rig.state / "ballast").unlink()
    deaf_for(rig, 8)


def full_at_boot(rig: Rig) -> None:
    """The card is full when the agent starts."""
    onto(rig, "-t", "tmpfs", "-o", "size=3m", "tmpfs")
    rig.stop(signal.SIGKILL)
    fill(rig.state)
    rig.start()


def on_loop(rig: Rig) -> str:
    """Move the state onto ext4 on a loop device that becomes read-only at its first error."""
    image = rig.folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(24 << 20)
    run("mkfs.ext4", "-q", str(image))
    onto(rig, "-o", "loop,errors=remount-ro", str(image))
    found = subprocess.run(
        ["findmnt", "-no", "SOURCE", rig.state], check=True, capture_output=True, text=True
    )
    return found.stdout.strip().removeprefix("/dev/")


def break_loop(device: str) -> None:
    """Tell ext4 that it found an error: it is read-only from here on, as a dying card is."""
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("tests")


def read_only(rig: Rig) -> None:
    """The file system turns read-only under the agent."""
    break_loop(on_loop(rig))
    deaf_for(rig, 15)


def read_only_at_boot(rig: Rig) -> None:
    """It is read-only when the agent starts."""
    device = on_loop(rig)
    break_loop(device)
    rig.stop(signal.SIGKILL)
    rig.start()


def new_card(rig: Rig) -> None:
    """The file system is checked and mounted again; the agent starts on it."""
    rig.stop(signal.SIGKILL)
    run("umount", "-l", str(rig.state))
    subprocess.run(["fsck.ext4", "-y", str(rig.folder / "disk.img")], check=False, capture_output=True)
    run("mount", "-o", "loop", str(rig.folder / "disk.img"), str(rig.state))
    rig.start()


def slow(rig: Rig) -> None:
    """Each fsync takes two seconds, made by the kernel's own tracing of system calls."""
    delay = f"inject=fsync,fdatasync:delay_exit={SLOW_US}"
    rig._tracer = subprocess.Popen(  # type: ignore[attr-defined]
        [
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            delay,
            "-p",
            str(rig.pid),
        ]
    )
    time.sleep(2)
    rig.lns.silent = True
    rig.frames(20)
    time.sleep(8)
    rig.lns.silent = False


def fast(rig: Rig) -> None:
    """The card answers at once again."""
    rig._tracer.terminate()  # type: ignore[attr-defined]
    rig._tracer.wait(20)  # type: ignore[attr-defined]


LOOP = ("mkfs.ext4", "fsck.ext4", "findmnt", "mount")
FAULTS = (
    Fault(name="disque plein, puis libéré", strike=full, told=any_beat, heal=emptied, hears_meanwhile=True),
    Fault(
        name="disque plein au démarrage",
        strike=full_at_boot,
        told=any_beat,
        heal=emptied,
    ),
    Fault(
        name="carte en lecture seule, puis remplacée",
        strike=read_only,
        told=any_beat,
        heal=new_card,
        hears_meanwhile=True,
        needs=LOOP,
    ),
    Fault(
        name="carte en lecture seule au démarrage",
        strike=read_only_at_boot,
        told=journal(Change.RECOVERY, "IN_MEMORY"),
        heal=new_card,
        needs=LOOP,
    ),
    Fault(
        name="carte lente (fsync de 2 s)",
        strike=slow,
        told=any_beat,
        heal=fast,
        hears_meanwhile=True,
        needs=("strace",),
    ),
)
