"""The fleet's words that must not be obeyed, or not for long: configurations and commands."""

import signal
import time
from typing import Any

from agent.commands.runner import QUEUE_LIMIT
from agent.wire.command import Action, Command, encode_command
from agent.wire.configuration import ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.envelope import EnvelopeKind
from agent.wire.messages import Change, ConfigState
from demo.ports import free_port
from tests.controlpath.rig import TRIAL_S, Rig
from tests.controlpath.virtual import SigningFleet
from tests.soak.faults.fault import Act, Fault, any_beat, journal, kill_and_start, replied, reported

OTHER_EUI = "0016c001f12a3b4d"
LATE = f"within {TRIAL_S} s"


def lns_at(host: str, port: int) -> tuple[ConnectorConfig, ...]:
    """Return the connectors of a gateway whose only LNS is there."""
    return (ConnectorConfig(name="lns", host=host, port=port, contractual=True),)


def push(**changes: Any) -> Act:
    """Return an act that sends a signed configuration with these changes."""
    return lambda rig: rig.push(rig.content(**changes))


def push_document(document: bytes) -> Act:
    """Return an act that sends a signed document that is no configuration."""
    return lambda rig: rig.push(rig.fleet.envelope(EnvelopeKind.CONFIGURATION, rig.version + 1, document))


def no_lns(rig: Rig) -> None:
    """An LNS port where nobody listens."""
    rig.push(rig.content(connectors=lns_at("127.0.0.1", free_port())))


def kill_in_trial(rig: Rig) -> None:
    """The power fails during the trial."""
    no_lns(rig)
    rig.wait(reported(ConfigState.TRIAL), since=time.monotonic() - 5)
    kill_and_start(rig)


def stop_in_trial(rig: Rig) -> None:
    """The process stands still for longer than the trial lasts."""
    no_lns(rig)
    rig.wait(reported(ConfigState.TRIAL), since=time.monotonic() - 5)
    rig.agent.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
    time.sleep(TRIAL_S + 2)
    rig.agent.send_signal(signal.SIGCONT)  # type: ignore[union-attr]


def again_after_failure(rig: Rig) -> None:
    """What was rolled back comes once more, without saying that it is a retry."""
    bad = rig.content(connectors=lns_at("127.0.0.1", free_port()))
    rig.push(bad)
    rig.wait(reported(ConfigState.ROLLED_BACK), since=time.monotonic() - 5)
    rig.push(bad)


def permit_awaited(rig: Rig) -> None:
    """A configuration that says so makes the next one that touches the service wait."""
    rig.push(rig.content(permit_needed=True), confirm=True)
    rig.wait(reported(ConfigState.CONFIRMED), since=time.monotonic() - 5)
    no_lns(rig)


def command(action: Action, version: int = 0, **more: Any) -> Act:
    """Return an act that sends a command, signed by the rig's fleet or another one."""

    def strike(rig: Rig) -> None:
        rig.word += 1
        fleet = more.get("fleet") or rig.fleet
        rest = {name: value for name, value in more.items() if name != "fleet"}
        payload = encode_command(Command(action=action))
        rig.command(
            fleet.envelope(EnvelopeKind.COMMAND, version or rig.word, payload, **rest), f"c{rig.word}"
        )

    return strike


def replay_command(rig: Rig) -> None:
    """The same envelope twice."""
    sent = rig.fleet.envelope(EnvelopeKind.COMMAND, 50, encode_command(Command(action=Action.SELF_TEST)))
    rig.command(sent, "once")
    rig.wait(replied(ok=True), since=time.monotonic() - 5)
    rig.command(sent, "again")


def crowd(rig: Rig) -> None:
    """More commands than may wait."""
    for _ in range(QUEUE_LIMIT + 4):
        command(Action.SELF_TEST)(rig)


def shell(rig: Rig) -> None:
    """A signed command that is not of the list."""
    rig.command(
        rig.fleet.envelope(EnvelopeKind.COMMAND, 60, b'{"action":"shell","text":"reboot -f"}'), "shell"
    )


def word(name: str, act: Act, state: ConfigState, words: str) -> Fault:
    """Return a configuration's row; the gateway serves through all of them."""
    return Fault(name=name, strike=act, told=reported(state, words), hears_meanwhile=True)


def refused(name: str, act: Act, words: str) -> Fault:
    """Return the row of a configuration that is never tried."""
    return word(f"configuration {name}", act, ConfigState.REFUSED, words)


def rolled_back(name: str, act: Act, words: str) -> Fault:
    """Return the row of a configuration that is tried and taken back."""
    return word(f"configuration {name}", act, ConfigState.ROLLED_BACK, words)


def answered(name: str, act: Act, words: str) -> Fault:
    """Return the row of a command that is not carried out."""
    return Fault(
        name=f"commande {name}", strike=act, told=replied(ok=False, words=words), hears_meanwhile=True
    )


FAULTS = (
    refused("non signée", lambda rig: rig.push(SigningFleet().configuration(9, rig.content())), "signature"),
    refused("d’une autre passerelle", lambda rig: rig.push(rig.content(), device=OTHER_EUI), OTHER_EUI),
    refused("plus ancienne", lambda rig: rig.push(rig.content(), version=0), "version 0"),
    Fault(
        name="configuration périmée",
        strike=lambda rig: rig.push(rig.content(permit_needed=True), expires_at_us=1),
        told=reported(ConfigState.REFUSED, "expired"),
        hears_meanwhile=True,
        clock_in_step=True,
    ),
    refused("hors schéma", push_document(b'{"radio": {"board": 5}}'), "does not fit"),
    refused(
        "hors plan radio (US915)",
        push_document(b'{"radio":{"region":"US915"},"connectors":[],"fleet":{"host":"f","port":1}}'),
        "radio.region",
    ),
    refused(
        "hors réglementation (−6 dBi)",
        push_document(b'{"radio":{"antenna_gain_db":-6},"connectors":[],"fleet":{"host":"f","port":1}}'),
        "antenna_gain_db",
    ),
    refused("illisible", lambda rig: rig.push(b"\xc1rubbish"), "unreadable"),
    refused("qui a déjà échoué", again_after_failure, "failed before"),
    rolled_back("qui coupe la flotte", push(fleet=FleetConfig(host="203.0.113.1", port=8883)), LATE),
    rolled_back("vers un LNS injoignable", no_lns, LATE),
    Fault(
        name="configuration qui arrête la radio",
        strike=push(radio=RadioConfig(board="no-such-board")),
        told=reported(ConfigState.ROLLED_BACK),
    ),
    Fault(
        name="configuration que la puce ne peut pas (SX1303)",
        strike=push(radio=RadioConfig(fine_timestamp="all_sf")),
        told=reported(ConfigState.ROLLED_BACK),
    ),
    Fault(
        name="coupure de courant pendant l’essai",
        strike=kill_in_trial,
        told=reported(ConfigState.ROLLED_BACK, "restarted during the trial"),
    ),
    Fault(
        name="processus figé au-delà de l’essai",
        strike=stop_in_trial,
        told=reported(ConfigState.ROLLED_BACK, LATE),
    ),
    Fault(
        name="configuration qui attend l’accord de la flotte",
        strike=permit_awaited,
        told=reported(ConfigState.WAITING),
        hears_meanwhile=True,
        version=2,
    ),
    answered("rejouée", replay_command, "was seen"),
    answered("d’une autre flotte", command(Action.REBOOT, fleet=SigningFleet()), "signature"),
    answered("d’une autre passerelle", command(Action.REBOOT, device=OTHER_EUI), OTHER_EUI),
    answered("périmée", command(Action.RESTART, expires_at_us=1), "expired"),
    answered("hors liste (shell)", shell, "action"),
    Fault(
        name="commande\u202f: remise à zéro du concentrateur",
        strike=command(Action.RESET_CONCENTRATOR),
        told=journal(Change.RADIO, words="commanded"),
    ),
    Fault(
        name="commande\u202f: relancer l’agent",
        strike=command(Action.RESTART),
        told=journal(Change.STOP, words="restart commanded"),
    ),
    Fault(
        name="vingt commandes à la fois",
        strike=crowd,
        told=any_beat,
        hears_meanwhile=True,
    ),
)
