"""What the running agent says of its troubles, as findings with a remedy (pure)."""

from dataclasses import dataclass
from enum import StrEnum

from agent.status.say import Lang, because, say
from agent.status.screen import unbalanced
from agent.status.status import ConnectorStatus, Status

TOO_HOT_C = 85
"""A Raspberry Pi slows itself down at this temperature (raspberrypi.com, frequency management)."""

Pair = tuple[str, str]
"""French and English."""
ANSWERED_BY: dict[str, Pair] = {
    "chirpstack_mqtt": (", abonné à nos trames", ", subscribed to our frames"),
    "semtech_udp": (
        " (UDP : un pont acquitterait à sa place)",
        " (UDP: a bridge would acknowledge in its place)",
    ),
    "basics_station": (
        " (Basics Station : un pont répondrait à sa place)",
        " (Basics Station: a bridge would answer in its place)",
    ),
}
"""What an answer proves, by the kind of connector (docs/lns.md)."""


class Severity(StrEnum):
    """How bad."""

    GOOD = "bon"
    WATCH = "à surveiller"
    WRONG = "en défaut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor."""

    what: str
    severity: Severity
    detail: str
    remedy: str = ""


def found(lang: Lang, what: Pair, severity: Severity, detail: str, remedy: Pair | None = None) -> Finding:
    """Return a finding in a language."""
    return Finding(
        what=say(lang, *what),
        severity=severity,
        detail=detail,
        remedy="" if remedy is None else say(lang, *remedy),
    )


def running(status: Status | None, lang: Lang) -> list[Finding]:
    """Return what the agent itself tells; None: none runs."""
    if status is None:
        start = "systemctl start passerelle-agent"
        log = "journalctl -u passerelle-agent"
        remedy = (f"{start} ; sinon {log}", f"{start}; else {log}")
        return [
            found(lang, ("Agent", "Agent"), Severity.WRONG, say(lang, "ne tourne pas", "not running"), remedy)
        ]
    well = say(lang, f"en marche, logiciel {status.version}", f"running, software {status.version}")
    return [
        found(lang, ("Agent", "Agent"), Severity.GOOD, well),
        *_hearing(status, lang),
        *(_connector(connector, lang) for connector in status.connectors),
        *_end_to_end(status, lang),
        _link(status, lang),
        *_store(status, lang),
        *_card(status, lang),
        *_box(status, lang),
        *_month(status, lang),
    ]


def _hearing(status: Status, lang: Lang) -> list[Finding]:
    what = ("Radio", "Radio")
    if status.radio_reason.code == "radio.other_gateway":
        remedy = (
            "remettez la carte concentrateur d’origine, ou demandez un ordre de travail pour celle-ci",
            "put this gateway's concentrator board back, or ask for a work order for this one",
        )
        return [found(lang, what, Severity.WRONG, because(lang, status.radio_reason)[3:], remedy)]
    if status.radio != "RECEIVING":
        remedy = (
            "coupez l’alimentation 10 s ; si cela dure, changez la carte concentrateur",
            "switch the power off for 10 s; if it lasts, replace the concentrator board",
        )
        return [found(lang, what, Severity.WRONG, status.radio + because(lang, status.radio_reason), remedy)]
    remedy = (
        "vérifiez l’antenne, son câble et son connecteur ; prévenez le NOC",
        "check the antenna, its cable and its connector; tell the NOC",
    )
    suspicions = [
        found(lang, ("Audition", "Hearing"), Severity.WATCH, because(lang, reason)[3:], remedy)
        for reason in status.hearing
    ]
    return [found(lang, what, Severity.GOOD, say(lang, "écoute", "listening")), *suspicions]


def _connector(connector: ConnectorStatus, lang: Lang) -> Finding:
    what = (f"Serveur {connector.name}", f"Server {connector.name}")
    if connector.up:
        by_whom = say(lang, *ANSWERED_BY.get(connector.kind, ("", "")))
        return found(lang, what, Severity.GOOD, say(lang, "répond", "answers") + by_whom)
    detail = because(lang, connector.reason)[3:] or say(lang, "ne répond pas", "does not answer")
    remedy = (
        "les trames sont gardées ; prévenez le NOC si cela dure",
        "frames are kept; tell the NOC if it lasts",
    )
    return found(lang, what, Severity.WRONG, detail, remedy)


def _end_to_end(status: Status, lang: Lang) -> list[Finding]:
    """Return what the test device proved: it alone finds a server that takes frames and processes none."""
    if status.end_to_end is None:
        return []
    what = ("Traitement par le serveur", "Processing by the server")
    detail = because(lang, status.end_to_end)[3:]
    if status.end_to_end.code == "lns.processed":
        return [found(lang, what, Severity.GOOD, detail)]
    remedy = (
        "le courtier ou un pont prend les trames à la place du serveur : ôtez la session MQTT persistante de "
        "ChirpStack et tout autre abonné à PRÉFIXE/gateway/+/event/+ (docs/chirpstack.md) ; sinon l’appareil "
        "d’essai n’est pas enregistré (passerelle fleet lns provision)",
        "the broker or a bridge takes frames in the server's place: remove a persistent MQTT session of "
        "ChirpStack and any other subscriber to PREFIX/gateway/+/event/+ (docs/chirpstack.md); else the "
        "test device is not registered (passerelle fleet lns provision)",
    )
    return [found(lang, what, Severity.WRONG, detail, remedy)]


def _link(status: Status, lang: Lang) -> Finding:
    what = ("Lien flotte", "Fleet link")
    if status.link_online:
        return found(lang, what, Severity.GOOD, say(lang, "établi", "up"))
    remedy = ("voyez les lignes du réseau ci-dessus", "see the lines about the network above")
    return found(lang, what, Severity.WRONG, because(lang, status.link_reason)[3:], remedy)


def _store(status: Status, lang: Lang) -> list[Finding]:
    what = ("Réserve de trames", "Frame store")
    if status.unbalanced:
        remedy = (
            "envoyez le rapport (passerelle agent report) à l’assistance : c’est une faute du logiciel",
            "send the report (passerelle agent report) to support: it is a fault of the software",
        )
        return [found(lang, what, Severity.WRONG, unbalanced(status, lang), remedy)]
    if status.spool_accepting:
        return []
    detail = say(lang, "pleine ou refusée par la carte", "full, or refused by the card")
    remedy = (
        "rétablissez le serveur LoRaWAN ; sinon la carte est pleine ou usée : remplacez-la",
        "mend the LoRaWAN server; else the card is full or worn: replace it",
    )
    return [found(lang, what, Severity.WRONG, detail, remedy)]


def _box(status: Status, lang: Lang) -> list[Finding]:
    findings = []
    if status.power in ("UNDER_VOLTAGE", "THROTTLED"):
        detail = (
            say(lang, "tension trop basse", "under-voltage")
            if status.power == "UNDER_VOLTAGE"
            else say(lang, "processeur ralenti", "processor slowed down")
        )
        remedy = (
            "changez l’alimentation ou le câble (5,1 V, 3 A) ; ventilez le coffret",
            "replace the supply or its cable (5.1 V, 3 A); ventilate the cabinet",
        )
        findings.append(found(lang, ("Alimentation", "Supply"), Severity.WRONG, detail, remedy))
    hot = status.vitals.get("temperature_c")
    if hot is not None and hot >= TOO_HOT_C:
        remedy = (
            "ventilez le coffret, évitez le soleil direct",
            "ventilate the cabinet, keep it out of the sun",
        )
        findings.append(found(lang, ("Température", "Temperature"), Severity.WATCH, f"{hot} °C", remedy))
    return findings


def _card(status: Status, lang: Lang) -> list[Finding]:
    if status.card is None:
        return []
    remedy = (
        "changez la carte avec un nouvel ordre de travail ; remettez l’ancienne au NOC, des trames y restent",
        "replace the card with a new work order; give the old one to the NOC, frames may be on it",
    )
    return [found(lang, ("Carte mémoire", "Card"), Severity.WRONG, because(lang, status.card)[3:], remedy)]


def _month(status: Status, lang: Lang) -> list[Finding]:
    if status.month_stopped is None:
        return []
    percent = status.month.get("month_used_percent", 0)
    detail = say(lang, f"{percent} % du plafond", f"{percent}% of the cap")
    detail += because(lang, status.month_stopped)
    remedy = (
        "rien à faire ici : trames et battements passent ; prévenez le NOC",
        "nothing to do here: frames and heartbeats go on; tell the NOC",
    )
    return [found(lang, ("Octets du mois", "Month's bytes"), Severity.WATCH, detail, remedy)]
