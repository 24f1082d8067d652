"""``passerelle firmware image``: build the image of a gateway."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from firmware.errors import FirmwareRefused
from firmware.image.build import Built, build
from firmware.image.contents import contents
from firmware.image.plan import MACHINES, make_plan
from firmware.store import State, default_directory, verify
from firmware.words import WORDS, language

SOURCE = Path(__file__).parents[2]
MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line of ``image`` takes."""
    parser.add_argument("--arch", choices=tuple(MACHINES), required=True, help="machine à EFI")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="image à écrire")
    parser.add_argument("--agent", type=Path, metavar="DEB", help="paquet passerelle-agent (sinon construit)")
    parser.add_argument(
        "--without-firmware", action="store_true", help="sans les microprogrammes du concentrateur"
    )
    parser.add_argument("--ssh-key", type=Path, metavar="PUB", help="clé qui ouvre SSH (sinon fermé)")
    parser.add_argument("--mirror", default=MIRROR, help="miroir de Debian, ou instantané daté")
    parser.add_argument("--security", default=SECURITY, help="miroir des mises à jour de sécurité")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build the image that the command line asks for."""
    words = WORDS[language(options.lang)]
    plan = make_plan(
        options.arch,
        epoch_s=_epoch_s(),
        mirror=options.mirror,
        security=options.security,
        ssh=options.ssh_key is not None,
    )
    files = contents(
        plan,
        microcode={} if options.without_firmware else _microcode(options),
        ssh_key=_text(options.ssh_key),
    )

    def report(step: str) -> None:
        if not options.json:
            print(words[f"image_{step}"], file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="passerelle-agent-") as temporary:
        agent = options.agent
        if agent is None:
            report("package")
            agent = _agent(options.arch, Path(temporary))
        if not agent.is_file():
            raise FirmwareRefused("absent", where=str(agent))
        built = build(plan, files=files, agent=agent, output=options.output, report=report)
    _show(built, as_json=options.json, text=words["image_done"])
    return 0


def _show(built: Built, *, as_json: bool, text: str) -> None:
    values = {
        "path": str(built.path),
        "sha256": built.sha256,
        "size_bytes": built.size_bytes,
        "slot_bytes": built.slot_bytes,
    }
    print(json.dumps(values, indent=1) if as_json else text.format(**values))


def _epoch_s() -> int:
    """Return the instant of everything in the image: SOURCE_DATE_EPOCH, else the newest commit's."""
    if given := os.environ.get(EPOCH_VARIABLE):
        return int(given)
    command = ["git", "-C", str(SOURCE), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FirmwareRefused("image_epoch", variable=EPOCH_VARIABLE)
    return int(done.stdout)


def _microcode(options: argparse.Namespace) -> dict[str, bytes]:
    directory = options.dir if options.dir is not None else default_directory()
    stored = verify(directory)
    if any(one.state is not State.GOOD for one in stored if one.entry.required):
        raise FirmwareRefused("image_firmware", where=str(directory))
    return {one.path.name: one.path.read_bytes() for one in stored if one.state is State.GOOD}


def _text(path: Path | None) -> str:
    try:
        return path.read_text(encoding="utf-8") if path is not None else ""
    except OSError as error:
        raise FirmwareRefused("unreadable", where=str(path), detail=error.strerror) from error


def _agent(architecture: str, folder: Path) -> Path:
    """Return the agent's package, built from the source tree that this program runs from."""
    if not (SOURCE / "packages" / "build.py").is_file():
        raise FirmwareRefused("image_agent")
    command = [sys.executable, "-m", "packages.build", "--role", "agent", "--arch", architecture]
    done = subprocess.run(
        [*command, "--output", str(folder)], cwd=SOURCE, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FirmwareRefused("image_step", program="packages.build", detail=done.stderr[-2_000:].strip())
    return Path(done.stdout.split()[-1])
