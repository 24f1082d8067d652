"""Every file of the state folder damaged, one after the other; the card wears, the gateway serves on."""

import signal
import time

from agent.wire.messages import Change
from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Act, Fault, Wanted, journal, presence

BOOTED = journal(Change.BOOT)


def damage(name: str, content: bytes) -> Act:
    """Return an act: the power fails, and the file holds something else when it is back."""

    def strike(rig: Rig) -> None:
        rig.stop(signal.SIGKILL)
        path = rig.state / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        for suffix in ("-wal", "-shm"):
            (rig.state / (name + suffix)).unlink(missing_ok=True)
        rig.start()

    return strike


def spool_with_frames(rig: Rig) -> None:
    """The spool's newest page is torn while no frame waits: nothing committed is in it."""
    rig.wait_delivered()
    time.sleep(1.0)
    damage("spool.db", b"\xffrubbish" * 2000)(rig)


def row(name: str, act: Act, detected: Wanted = BOOTED) -> Fault:
    """Return the row of one damaged file."""
    return Fault(name=f"{name}", strike=act, told=detected)


RUBBISH = b"\x00\xffrubbish\n" * 300
DAMAGED = journal(Change.CONFIGURATION, "DAMAGED")
FAULTS = (
    row("journal détruit", damage("journal/journal.db", RUBBISH), journal(Change.BOOT, words="damaged")),
    row("témoin de vie déchiré", damage("journal/alive", b"\xff" * 4096)),
    row("registre de configuration détruit", damage("configuration/ledger.json", b"{"), DAMAGED),
    row("configuration détruite sur la carte", damage("configuration/a.envelope", b""), DAMAGED),
    row("réserve de trames détruite", spool_with_frames, journal(Change.SPOOL, "QUARANTINED")),
    row("registre du temps d’antenne détruit", damage("airtime.log", RUBBISH)),
    row("registre des commandes détruit", damage("commands.json", RUBBISH)),
    row("registre des relances détruit", damage("supervisor.json", RUBBISH)),
    row("compteur du mois détruit", damage("usage.json", RUBBISH)),
    row("état de l’enrôlement détruit", damage("enrolment.json", RUBBISH)),
    row("ordre de travail détruit", damage("settings.json", RUBBISH)),
    row("certificat détruit", damage("identity/certificate.pem", RUBBISH), presence(online=True)),
    row("certificat de l’autorité détruit", damage("identity/ca.pem", RUBBISH), presence(online=True)),
    row("clé détruite, certificat intact", damage("identity/key.pem", RUBBISH), presence(online=True)),
    row("essais de réception détruits", damage("testframes.json", RUBBISH)),
)
