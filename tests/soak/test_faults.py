"""The fault table: what happened, time to detect, time to serve again, frames lost, what the fleet was told.

make soak        prints the table; each fault is made for real against real processes
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.configuration.model import Ledger
from agent.wire.command import Action, Command, encode_command
from agent.wire.configuration import ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.envelope import Kind
from agent.wire.messages import Change, ConfigState, Radio
from hal.twin.faults import Mcu
from hal.twin.server import TwinServer
from tests.controlpath.rig import TRIAL_S, Rig
from tests.controlpath.virtual import Authority, SigningFleet, free_port

pytestmark = pytest.mark.soak
Wanted = Callable[[str, Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row: ``strike`` makes it, ``told`` is what the fleet must hear, ``heal`` ends it."""

    name: str
    strike: Callable[[Rig], None]
    told: Wanted
    says: str
    heal: Callable[[Rig], None] = lambda _: None
    hears_meanwhile: bool = False
    """Frames arrive during the fault and must all be delivered afterwards."""


def journal(change: Change, value: str = "", words: str = "") -> Wanted:
    def wanted(leaf: str, one: Any) -> bool:
        return leaf == "journal" and one.change is change and value in one.value and words in one.reason

    return wanted


def reported(state: ConfigState, words: str = "") -> Wanted:
    return lambda leaf, one: leaf == "config/reported" and one.state is state and words in one.reason


def replied(ok: bool, words: str = "") -> Wanted:
    return lambda leaf, one: leaf.startswith("reply/") and one.ok is ok and words in one.text


def beat(**fields: Any) -> Wanted:
    return lambda leaf, one: leaf == "health" and all(getattr(one, name) == v for name, v in fields.items())


def lns_down(leaf: str, one: Any) -> bool:
    return leaf == "health" and not one.connectors[0].up


def any_beat(leaf: str, _: Any) -> bool:
    return leaf == "health"


def presence(online: bool) -> Wanted:
    return lambda leaf, one: leaf == "presence" and one.online is online


def kill_and_start(rig: Rig) -> None:
    rig.stop(signal.SIGKILL)
    rig.start()


def rest(seconds: float) -> Callable[[Rig], None]:
    return lambda _: time.sleep(seconds)


def set_fault(name: str, value: object) -> Callable[[Rig], None]:
    return lambda rig: setattr(rig.chip.faults, name, value)


def damage(name: str, content: bytes) -> Callable[[Rig], None]:
    def strike(rig: Rig) -> None:
        rig.stop(signal.SIGKILL)
        (rig.state / name).write_bytes(content)
        for suffix in ("-wal", "-shm"):
            (rig.state / (name + suffix)).unlink(missing_ok=True)
        rig.start()

    return strike


def kill_in_trial(rig: Rig) -> None:
    rig.push(rig.content(connectors=(lns_at("127.0.0.1", free_port()),)))
    rig.wait(reported(ConfigState.TRIAL), since=time.monotonic() - 5)
    kill_and_start(rig)


def lns_at(host: str, port: int) -> ConnectorConfig:
    return ConnectorConfig(name="lns", host=host, port=port, contractual=True)


def command(action: Action, version: int = 0, **more: Any) -> Callable[[Rig], None]:
    def strike(rig: Rig) -> None:
        rig.word += 1
        fleet = more.pop("fleet", None) or rig.fleet
        payload = encode_command(Command(action=action))
        rig.command(fleet.envelope(Kind.COMMAND, version or rig.word, payload, **more), f"c{rig.word}")

    return strike


def replay_command(rig: Rig) -> None:
    sent = rig.fleet.envelope(Kind.COMMAND, 50, encode_command(Command(action=Action.SELF_TEST)))
    rig.command(sent, "once")
    rig.wait(replied(ok=True), since=time.monotonic() - 5)
    rig.command(sent, "again")


def new_twin(rig: Rig) -> None:
    rig.twin = TwinServer(rig.chip, rig.folder / "chip")
    rig.twin.start()


def restart_broker(number: int, gap_s: float) -> Callable[[Rig], None]:
    def strike(rig: Rig) -> None:
        process = rig.broker._process
        assert process is not None
        process.send_signal(number)
        process.wait(10)
        time.sleep(gap_s)
        rig.broker.start()

    return strike


def other_authority(name: str) -> Callable[[Rig], None]:
    """The broker shows, or asks for, certificates of another authority for a while."""

    def strike(rig: Rig) -> None:
        kept = {one: (rig.folder / one).read_bytes() for one in ("ca.pem", "server.pem", "server.key")}
        other = rig.folder / "other"
        other.mkdir()
        Authority().server(other)
        for one in ("ca.pem",) if name == "client" else ("server.pem", "server.key"):
            (rig.folder / one).write_bytes((other / one).read_bytes())
        restart_broker(signal.SIGTERM, 0.5)(rig)
        time.sleep(10)
        for one, content in kept.items():
            (rig.folder / one).write_bytes(content)
        restart_broker(signal.SIGTERM, 0.5)(rig)

    return strike


def stop_broker(number: int) -> Callable[[Rig], None]:
    return lambda rig: os.kill(rig.broker._process.pid, number)  # type: ignore[union-attr]


def fill_disk(rig: Rig) -> None:
    rig.stop()
    size = "size=3m"
    subprocess.run(["cp", "-a", rig.state, rig.folder / "kept"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", rig.state], check=True)
    rig._closing.callback(lambda: subprocess.run(["umount", "-l", rig.state], check=False))
    subprocess.run(["cp", "-a", f"{rig.folder / 'kept'}/.", rig.state], check=True)
    rig.start()
    rig.wait_serving(time.monotonic())
    with (rig.state / "ballast").open("wb") as file:
        try:
            while True:
                file.write(bytes(65536))
                file.flush()
        except OSError:
            pass
    rig.chip.faults.agc_stuck = True
    time.sleep(15)
    rig.chip.faults.agc_stuck = False


def free_disk(rig: Rig) -> None:
    (rig.state / "ballast").unlink()
    rig.chip.faults.agc_stuck = True
    time.sleep(8)
    rig.chip.faults.agc_stuck = False


def second_agent(rig: Rig) -> None:
    command_line = [sys.executable, "-m", "passerelle", "agent", "run", "--state", str(rig.state)]
    done = subprocess.run(command_line, capture_output=True, check=False, timeout=30)
    assert done.returncode == 3


FAULTS = (
    Fault(name="kill -9", strike=kill_and_start, told=journal(Change.BOOT), says="BOOT, dernière vie"),
    Fault(
        name="arrêt demandé (SIGTERM)",
        strike=lambda rig: (rig.stop(), rig.start())[1],
        told=journal(Change.STOP),
        says="STOP",
    ),
    Fault(
        name="processus figé 8 s (SIGSTOP)",
        strike=lambda rig: (
            os.kill(rig.pid, signal.SIGSTOP),
            time.sleep(8),
            os.kill(rig.pid, signal.SIGCONT),
        )[2],
        told=any_beat,
        says="trou dans la suite des battements",
        hears_meanwhile=True,
    ),
    Fault(
        name="LNS muet",
        strike=lambda rig: setattr(rig.lns, "silent", True),
        told=lns_down,
        says="connecteur DOWN",
        heal=lambda rig: setattr(rig.lns, "silent", False),
        hears_meanwhile=True,
    ),
    Fault(
        name="LNS arrêté (port fermé)",
        strike=lambda rig: rig.lns.close(),
        told=lns_down,
        says="connecteur DOWN",
        heal=lambda rig: rig.lns.open(),
        hears_meanwhile=True,
    ),
    Fault(
        name="LNS : datagrammes illisibles",
        strike=lambda rig: setattr(rig.lns, "rude", b"\x02\x00\x00\x03{not json"),
        told=any_beat,
        says="compté, service maintenu",
        heal=lambda rig: setattr(rig.lns, "rude", b""),
        hears_meanwhile=True,
    ),
    Fault(
        name="LNS : datagrammes géants",
        strike=lambda rig: setattr(rig.lns, "rude", b"\x02\x00\x00\x03" + b"x" * 60_000),
        told=any_beat,
        says="compté, service maintenu",
        heal=lambda rig: setattr(rig.lns, "rude", b""),
        hears_meanwhile=True,
    ),
    Fault(
        name="courtier tué et relancé",
        strike=restart_broker(signal.SIGKILL, 1.0),
        told=presence(online=True),
        says="nouvelle session",
        hears_meanwhile=True,
    ),
    Fault(
        name="courtier redémarré proprement",
        strike=restart_broker(signal.SIGTERM, 1.0),
        told=presence(online=True),
        says="nouvelle session",
        hears_meanwhile=True,
    ),
    Fault(
        name="courtier absent 20 s",
        strike=restart_broker(signal.SIGTERM, 20.0),
        told=presence(online=True),
        says="nouvelle session, journal remonté",
        hears_meanwhile=True,
    ),
    Fault(
        name="courtier figé 70 s",
        strike=lambda rig: (
            stop_broker(signal.SIGSTOP)(rig),
            time.sleep(70),
            stop_broker(signal.SIGCONT)(rig),
        )[2],
        told=any_beat,
        says="trou ; service LoRaWAN maintenu",
        hears_meanwhile=True,
    ),
    Fault(
        name="certificat du courtier étranger 10 s",
        strike=other_authority("server"),
        told=presence(online=True),
        says="refusé, puis nouvelle session",
        hears_meanwhile=True,
    ),
    Fault(
        name="certificat de la passerelle refusé 10 s",
        strike=other_authority("client"),
        told=presence(online=True),
        says="refusé, puis nouvelle session",
        hears_meanwhile=True,
    ),
    Fault(
        name="AGC bloqué",
        strike=set_fault("agc_stuck", True),
        told=beat(radio=Radio.DEAF),
        says="DEAF, puis RECOVERY",
        heal=set_fault("agc_stuck", False),
    ),
    Fault(
        name="bus mort (0x00)",
        strike=set_fault("dead_bus", 0x00),
        told=journal(Change.RADIO),
        says="OFF ou DEAF, puis RECOVERY",
        heal=set_fault("dead_bus", None),
    ),
    Fault(
        name="bus mort (0xFF)",
        strike=set_fault("dead_bus", 0xFF),
        told=journal(Change.RADIO),
        says="OFF ou DEAF, puis RECOVERY",
        heal=set_fault("dead_bus", None),
    ),
    Fault(
        name="microcontrôleur muet au redémarrage",
        strike=lambda rig: (rig.chip.faults.silent_mcus.add(Mcu.AGC), rig.chip.reset())[1],
        told=journal(Change.RADIO),
        says="OFF ou DEAF, puis RECOVERY",
        heal=lambda rig: rig.chip.faults.silent_mcus.clear(),
    ),
    Fault(
        name="concentrateur débranché",
        strike=lambda rig: rig.twin.close(),
        told=journal(Change.RADIO),
        says="OFF, puis RECOVERY",
        heal=new_twin,
    ),
    Fault(
        name="remise à zéro spontanée de la puce",
        strike=lambda rig: rig.chip.reset(),
        told=journal(Change.RADIO),
        says="OFF ou DEAF, puis RECOVERY",
    ),
    Fault(
        name="compteur qui saute",
        strike=lambda rig: rig.chip.slip_counter(32_000_000 * 20),
        told=journal(Change.RADIO),
        says="DEAF, puis RECOVERY",
    ),
    Fault(
        name="capteur de température absent",
        strike=set_fault("missing_sensor", True),
        told=any_beat,
        says="service maintenu",
        heal=set_fault("missing_sensor", False),
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration non signée",
        strike=lambda rig: rig.push(SigningFleet().configuration(9, rig.content())),
        told=reported(ConfigState.REFUSED, "signature"),
        says="REFUSED : signature",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration d’une autre passerelle",
        strike=lambda rig: rig.push(rig.content(), device="0016c001f12a3b4d"),
        told=reported(ConfigState.REFUSED, "for 0016c001f12a3b4d"),
        says="REFUSED : for …",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration plus ancienne",
        strike=lambda rig: rig.push(rig.content(), version=0),
        told=reported(ConfigState.REFUSED, "version 0"),
        says="REFUSED : older",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration hors schéma",
        strike=lambda rig: rig.push(rig.fleet.envelope(Kind.CONFIGURATION, 7, b'{"radio": {"board": 5}}')),
        told=reported(ConfigState.REFUSED, "configuration:"),
        says="REFUSED : le champ",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration illisible",
        strike=lambda rig: rig.push(b"\xc1rubbish"),
        told=reported(ConfigState.REFUSED, "envelope"),
        says="REFUSED : envelope",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration qui coupe la flotte",
        strike=lambda rig: rig.push(rig.content(fleet=FleetConfig(host="127.0.0.1", port=free_port()))),
        told=reported(ConfigState.ROLLED_BACK, f"within {TRIAL_S} s"),
        says="ROLLED_BACK",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration vers un LNS injoignable",
        strike=lambda rig: rig.push(rig.content(connectors=(lns_at("127.0.0.1", free_port()),))),
        told=reported(ConfigState.ROLLED_BACK, f"within {TRIAL_S} s"),
        says="ROLLED_BACK",
        hears_meanwhile=True,
    ),
    Fault(
        name="configuration qui arrête la radio",
        strike=lambda rig: rig.push(rig.content(radio=RadioConfig(board="no-such-board"))),
        told=reported(ConfigState.ROLLED_BACK),
        says="ROLLED_BACK",
    ),
    Fault(
        name="coupure de courant pendant l’essai",
        strike=kill_in_trial,
        told=reported(ConfigState.ROLLED_BACK, "restarted during the trial"),
        says="ROLLED_BACK : restarted",
    ),
    Fault(
        name="commande rejouée",
        strike=replay_command,
        told=replied(ok=False, words="was seen"),
        says="reply : refusée",
        hears_meanwhile=True,
    ),
    Fault(
        name="commande d’une autre flotte",
        strike=command(Action.REBOOT, fleet=SigningFleet()),
        told=replied(ok=False, words="signature"),
        says="reply : refusée",
        hears_meanwhile=True,
    ),
    Fault(
        name="commande périmée",
        strike=command(Action.RESTART, expires_at_us=1),
        told=replied(ok=False, words="expired"),
        says="reply : périmée",
        hears_meanwhile=True,
    ),
    Fault(
        name="commande : remise à zéro du concentrateur",
        strike=command(Action.RESET_CONCENTRATOR),
        told=journal(Change.RADIO, words="commanded"),
        says="OFF : reset commanded",
    ),
    Fault(
        name="commande : relancer l’agent",
        strike=command(Action.RESTART),
        told=journal(Change.STOP, words="restart commanded"),
        says="STOP : restart commanded",
    ),
    Fault(
        name="journal détruit",
        strike=damage("journal/journal.db", b"rubbish" * 1000),
        told=journal(Change.BOOT, words="damaged"),
        says="BOOT : journal damaged",
    ),
    Fault(
        name="registre de configuration détruit",
        strike=damage("configuration/ledger.json", b"{"),
        told=journal(Change.CONFIGURATION, "DAMAGED"),
        says="CONFIGURATION DAMAGED",
    ),
    Fault(
        name="configuration détruite sur la carte",
        strike=damage("configuration/a.envelope", b""),
        told=journal(Change.CONFIGURATION, "DAMAGED"),
        says="CONFIGURATION DAMAGED",
    ),
    Fault(
        name="témoin de vie déchiré",
        strike=damage("journal/alive", b"\xff" * 4096),
        told=journal(Change.BOOT),
        says="BOOT sans vie antérieure",
    ),
    Fault(
        name="disque plein, puis libéré",
        strike=fill_disk,
        told=any_beat,
        says="battements maintenus ; journal après coup",
        heal=free_disk,
    ),
    Fault(
        name="second agent sur le même dossier",
        strike=second_agent,
        told=any_beat,
        says="le second s’arrête, code 3",
        hears_meanwhile=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    detect_s: float
    serve_s: float
    lost: int
    says: str


ROWS: list[Row] = []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_gateway_survives(fault: Fault, tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        began = time.monotonic()
        rig.start()
        rig.wait_serving(began)
        rig.frames(5)
        struck = time.monotonic()
        fault.strike(rig)
        if fault.hears_meanwhile:
            rig.frames(10)
        detected = rig.wait(fault.told, since=struck)
        healed = time.monotonic()
        fault.heal(rig)
        served = rig.wait_serving(max(healed, struck + detected))
        rig.frames(5)
        row = Row(fault.name, detected, served, rig.wait_delivered(), fault.says)
        ROWS.append(row)
        assert row.lost == 0
        if (rig.state / "configuration" / "ledger.json").exists():
            kept = (rig.state / "configuration" / "ledger.json").read_bytes()
            ledger = msgspec.json.decode(kept, type=Ledger)
            assert (ledger.good.version, ledger.trial) == (1, None)


def test_print_the_table() -> None:
    assert ROWS, "run with the faults before it"
    print(f"\n{'défaut':<44}{'détecté':>9}{'rétabli':>9}{'perdues':>9}  dit à la flotte")
    for row in ROWS:
        print(f"{row.name:<44}{row.detect_s:>7.1f} s{row.serve_s:>7.1f} s{row.lost:>9}  {row.says}")
