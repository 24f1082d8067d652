"""What is wrong and what to do, out of facts (pure); the sentences are for an installer on a ladder."""

from dataclasses import dataclass
from enum import StrEnum

from agent.enrol.step import Outcome
from agent.health.status import ConnectorStatus, Status
from agent.wire.messages import TimeQuality

DISK_FREE_LIMIT_BYTES = 200_000_000
CERTIFICATE_WARNING_US = 20 * 86_400_000_000
TOO_HOT_C = 85
"""Of a Raspberry Pi's processor: it slows itself down there (raspberrypi.com, frequency management)."""


class Verdict(StrEnum):
    """How bad."""

    GOOD = "bon"
    WATCH = "à surveiller"
    WRONG = "en défaut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor."""

    what: str
    verdict: Verdict
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server this gateway needs, as seen from here."""

    what: str
    host: str
    port: int
    resolved: bool
    reached: bool | None
    """None: cannot be tried, such as UDP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the doctor looked at; ``status`` None: no agent runs."""

    settings_error: str
    key_mode: int | None
    disk_free_bytes: int
    state_writable: bool
    enrolment: Outcome | None
    certificate_until_us: int | None
    now_us: int
    time_quality: TimeQuality
    bus: str
    bus_there: bool
    images: str
    """Why the firmware images cannot be used, or empty."""
    places: tuple[Place, ...]
    status: Status | None


def judge(facts: Facts) -> list[Finding]:
    """Return the findings, from the ground up: what is below explains what is above."""
    return [
        *_folder(facts),
        *_radio(facts),
        _clock(facts),
        *map(_place, facts.places),
        _identity(facts),
        *_running(facts),
    ]


def _folder(facts: Facts) -> list[Finding]:
    found = []
    if facts.settings_error:
        remedy = "flashez de nouveau la carte avec l’ordre de travail de ce site"
        found.append(
            Finding(what="Réglages", verdict=Verdict.WRONG, detail=facts.settings_error, remedy=remedy)
        )
    if not facts.state_writable:
        remedy = "carte en lecture seule ou usée\u202f: remplacez-la"
        found.append(
            Finding(what="Dossier d’état", verdict=Verdict.WRONG, detail="écriture impossible", remedy=remedy)
        )
    free = f"{facts.disk_free_bytes // 1_000_000} Mo libres"
    low = facts.disk_free_bytes < DISK_FREE_LIMIT_BYTES
    remedy = "libérez de la place ou prenez une carte plus grande" if low else ""
    found.append(
        Finding(what="Disque", verdict=Verdict.WATCH if low else Verdict.GOOD, detail=free, remedy=remedy)
    )
    if facts.key_mode is not None and facts.key_mode & 0o077:
        found.append(
            Finding(
                what="Clé privée",
                verdict=Verdict.WRONG,
                detail=f"lisible par d’autres (mode {facts.key_mode:o})",
                remedy="chmod 600 identity/key.pem, puis demandez une rotation de clé",
            )
        )
    return found


def _radio(facts: Facts) -> list[Finding]:
    found = []
    remedy = "" if facts.bus_there else "vérifiez la carte concentrateur, sa nappe et l’activation du bus SPI"
    found.append(
        Finding(
            what="Bus du concentrateur",
            verdict=Verdict.GOOD if facts.bus_there else Verdict.WRONG,
            detail=facts.bus,
            remedy=remedy,
        )
    )
    if facts.images:
        found.append(
            Finding(
                what="Microcode",
                verdict=Verdict.WRONG,
                detail=facts.images,
                remedy="passerelle firmware import CHEMIN",
            )
        )
    return found


def _clock(facts: Facts) -> Finding:
    trusted = facts.time_quality is not TimeQuality.UNTRUSTED
    return Finding(
        what="Heure",
        verdict=Verdict.GOOD if trusted else Verdict.WATCH,
        detail="synchronisée" if trusted else "non synchronisée",
        remedy="" if trusted else "vérifiez que le port UDP 123 (NTP) est ouvert",
    )


def _place(place: Place) -> Finding:
    where = f"{place.host}:{place.port}"
    if not place.resolved:
        return Finding(
            what=place.what,
            verdict=Verdict.WRONG,
            detail=f"{where}\u202f: nom inconnu",
            remedy="vérifiez le réseau (câble, carte SIM, APN) et le DNS",
        )
    if place.reached is False:
        return Finding(
            what=place.what,
            verdict=Verdict.WRONG,
            detail=f"{where}\u202f: pas de réponse",
            remedy="le réseau marche mais ce serveur ou ce port est fermé\u202f: prévenez le NOC",
        )
    detail = f"{where}\u202f: nom résolu" if place.reached is None else f"{where}\u202f: joint"
    return Finding(what=place.what, verdict=Verdict.GOOD, detail=detail)


def _identity(facts: Facts) -> Finding:
    until = facts.certificate_until_us
    if until is None:
        refused = facts.enrolment not in (None, Outcome.UNREACHABLE, Outcome.SERVER_FAULT)
        return Finding(
            what="Enrôlement",
            verdict=Verdict.WRONG if refused else Verdict.WATCH,
            detail=f"pas de certificat ({facts.enrolment or 'pas encore tenté'})",
            remedy="demandez un nouvel ordre de travail"
            if refused
            else "rétablissez le réseau\u202f; l’essai suit",
        )
    left_us = until - facts.now_us
    if left_us <= 0:
        detail, remedy = "certificat expiré", "rétablissez le réseau\u202f; il est renouvelé tout seul"
        return Finding(what="Certificat", verdict=Verdict.WRONG, detail=detail, remedy=remedy)
    low = left_us < CERTIFICATE_WARNING_US
    return Finding(
        what="Certificat",
        verdict=Verdict.WATCH if low else Verdict.GOOD,
        detail=f"encore {left_us // 86_400_000_000} jours",
        remedy="le renouvellement n’aboutit pas\u202f: prévenez le NOC" if low else "",
    )


def _running(facts: Facts) -> list[Finding]:
    status = facts.status
    if status is None:
        return [
            Finding(
                what="Agent",
                verdict=Verdict.WRONG,
                detail="ne tourne pas",
                remedy="systemctl start passerelle-agent\u202f; sinon journalctl -u passerelle-agent",
            )
        ]
    found = [Finding(what="Agent", verdict=Verdict.GOOD, detail=f"en marche, logiciel {status.version}")]
    hears = status.radio == "RECEIVING"
    found.append(
        Finding(
            what="Radio",
            verdict=Verdict.GOOD if hears else Verdict.WRONG,
            detail="écoute" if hears else f"{status.radio}\u202f: {status.radio_reason}",
            remedy="" if hears else "coupez l’alimentation 10 s\u202f; si cela dure, changez la carte",
        )
    )
    found.extend(map(_connector, status.connectors))
    online = status.link_online
    found.append(
        Finding(
            what="Lien flotte",
            verdict=Verdict.GOOD if online else Verdict.WRONG,
            detail="établi" if online else status.link_reason,
            remedy="" if online else "voyez les lignes du réseau ci-dessus",
        )
    )
    hot = status.vitals.get("temperature_c")
    if hot is not None and hot >= TOO_HOT_C:
        found.append(
            Finding(
                what="Température",
                verdict=Verdict.WATCH,
                detail=f"{hot} °C",
                remedy="ventilez le coffret, évitez le soleil direct",
            )
        )
    return found


def _connector(one: ConnectorStatus) -> Finding:
    return Finding(
        what=f"Serveur {one.name}",
        verdict=Verdict.GOOD if one.up else Verdict.WRONG,
        detail="répond" if one.up else (one.reason or "ne répond pas"),
        remedy="" if one.up else "les trames sont gardées\u202f; prévenez le NOC si cela dure",
    )
