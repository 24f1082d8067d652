"""The facts of one screen put together (pure but for what it reads), and the screen itself in French."""

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version

from agent.clock import Clock
from agent.enrol.step import Enrolment
from agent.evidence.observation import DataPathState
from agent.health.status import ConnectorStatus, Status
from agent.health.vitals import Vitals
from agent.journal.journal import Journal
from agent.journal.store import JOURNAL
from agent.link.mqtt import Link
from agent.wire.messages import ConfigReported, ConfigState, Radio
from agent.wire.onsite import onsite_code
from agent.wire.order import WorkOrder
from agent.wire.words import french_reason

_RADIO = {"RECEIVING": "écoute", "DEAF": "SOURDE", "OFF": "ARRÊTÉE"}
_CONFIG = {
    "CONFIRMED": "confirmée par la flotte",
    "TRIAL": "à l’essai",
    "REFUSED": "en service ; la dernière reçue a été refusée",
    "ROLLED_BACK": "en service ; la dernière reçue a été annulée",
    "WAITING": "en service ; la dernière reçue attend l’accord de la flotte",
}
ENROLMENT_WORDS = {
    "": "pas encore tenté",
    "enrolled": "fait",
    "unreachable": "la flotte ne répond pas ; nouvel essai automatique",
    "server_fault": "la flotte est en panne ; nouvel essai automatique",
    "unknown": "REFUSÉ : jeton inconnu ; demandez un nouvel ordre de travail",
    "used": "REFUSÉ : jeton déjà utilisé ; demandez un nouvel ordre de travail",
    "expired": "REFUSÉ : jeton expiré ; demandez une prolongation",
    "revoked": "REFUSÉ : jeton révoqué ; demandez un nouvel ordre de travail",
    "foreign": "REFUSÉ : jeton d’une autre passerelle ; vérifiez l’image flashée",
    "malformed": "REFUSÉ : demande illisible ; mettez le logiciel à jour",
    "bad_certificate": "certificat reçu invalide ; prévenez le gestionnaire de flotte",
    "disk": "la carte est pleine ou en lecture seule ; voyez agent doctor",
}


def gather(
    order: WorkOrder,
    state: DataPathState,
    enrolment: Enrolment,
    reported: ConfigReported,
    *,
    vitals: Vitals,
    link: Link,
    journal: Journal,
    clock: Clock,
    certificate_expires_at_us: int | None,
) -> Status:
    """Return the facts of one screen."""
    now_us = clock.monotonic_us()
    enrolled = certificate_expires_at_us is not None
    return Status(
        eui=order.eui,
        site=order.site,
        version=version("passerelle"),
        uptime_ms=journal.uptime_ms(),
        radio=Radio(state.radio).name,
        radio_reason=state.radio_reason,
        connectors=tuple(
            ConnectorStatus(
                name=one.name,
                up=one.up,
                reason=one.reason,
                queued=one.queued,
                answer_age_ms=-1 if one.last_answer_us is None else (now_us - one.last_answer_us) // 1000,
            )
            for one in state.connectors
        ),
        spool_records=state.spool_records,
        spool_accepting=state.spool_accepting,
        received=state.received,
        delivered=state.delivered,
        dropped=state.dropped_total,
        transmitted=state.transmitted,
        enrolment="enrolled" if enrolled else str(enrolment.outcome or ""),
        enrolment_reason="" if enrolled else enrolment.reason,
        certificate_expires_at_us=certificate_expires_at_us,
        link_online=link.online,
        link_reason=link.reason,
        link_host=link.host,
        config_version=reported.version,
        config_state=ConfigState(reported.state).name,
        config_reason=reported.reason,
        journal_pending=journal.outbox.pending(JOURNAL),
        time_quality=int(clock.quality()),
        vitals=asdict(vitals),
        counters=dict(state.counters),
        onsite_code=onsite_code(journal.boot, order.eui, journal.uptime_ms()),
    )


def render(status: Status) -> str:
    """Return the screen that an installer reads."""
    hears = status.radio == "RECEIVING"
    good = hears and status.link_online and any(one.up for one in status.connectors)
    lines = [
        f"Passerelle {status.eui} — {status.site}",
        f"  État général     {'EN SERVICE' if good else 'À VÉRIFIER'}   (logiciel {status.version},"
        f" en marche depuis {_duration(status.uptime_ms // 1000)})",
        f"  Radio            {_RADIO[status.radio]}{_unless(hears, status.radio_reason)}",
        *(_connector(one) for one in status.connectors),
        f"  Trames           reçues {_count(status.received)}, remises {_count(status.delivered)},"
        f" en réserve {_count(status.spool_records)}, perdues {_count(status.dropped)}"
        + ("" if status.spool_accepting else " — RÉSERVE PLEINE"),
        f"  Enrôlement       {ENROLMENT_WORDS[status.enrolment]}{_because(status.enrolment_reason)}",
        f"  Lien flotte      {'établi' if status.link_online else 'COUPÉ'} ({status.link_host})"
        f"{_because(status.link_reason)}",
        f"  Configuration    version {status.config_version}, {_CONFIG[status.config_state]}"
        f"{_because(status.config_reason)}",
        f"  Heure            {('non garantie', 'NTP', 'GNSS', 'LNS')[status.time_quality]}",
        f"  Machine          {_vitals(status.vitals)}",
        f"  Code sur site    {status.onsite_code[:3]} {status.onsite_code[3:]}"
        " (prouve votre présence ; change toutes les 5 min)",
    ]
    if status.certificate_expires_at_us is not None:
        until = datetime.fromtimestamp(status.certificate_expires_at_us / 1_000_000, UTC)
        lines.append(f"  Certificat       valable jusqu’au {until:%d/%m/%Y}")
    return "\n".join(lines).replace(" ;", "\u202f;").replace(" :", "\u202f:")


def _connector(one: ConnectorStatus) -> str:
    answered = (
        "jamais de réponse" if one.answer_age_ms < 0 else f"réponse il y a {one.answer_age_ms // 1000} s"
    )
    state = "joint" if one.up else "NE RÉPOND PAS"
    waiting = f"{_count(one.queued)} en attente"
    return f"  Serveur {one.name:<8} {state} ({answered}, {waiting}){_unless(one.up, one.reason)}"


def _unless(well: bool, reason: str) -> str:
    return "" if well else _because(reason)


def _because(reason: str) -> str:
    return f" — {french_reason(reason)}" if reason else ""


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    return f"{days} j {hours} h" if days else f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _vitals(vitals: dict[str, int | None]) -> str:
    def show(key: str, unit: str) -> str:
        value = vitals.get(key)
        return "non mesurable" if value is None else f"{value}\u202f{unit}"

    return (
        f"processeur {show('cpu_percent', '%')}, mémoire {show('memory_percent', '%')},"
        f" disque {show('disk_percent', '%')}, température {show('temperature_c', '°C')}"
    )
