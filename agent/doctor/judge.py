"""What is wrong and what to do, out of facts (pure), in French or English, for an installer on a ladder."""

from dataclasses import dataclass

from agent.doctor.trouble import Finding, Severity, found, running
from agent.enrol.step import Outcome
from agent.status.say import Lang, say
from agent.status.status import Status
from agent.wire.messages import TimeQuality

SEVERITY_NAMES = {
    Severity.GOOD: ("bon", "good"),
    Severity.WATCH: ("à surveiller", "watch"),
    Severity.WRONG: ("en défaut", "wrong"),
}
DISK_FREE_LIMIT_BYTES = 200_000_000
ENDPOINT_NAMES = {"Gestionnaire de flotte": "Fleet manager", "Courtier MQTT": "MQTT broker"}
CERTIFICATE_WARNING_US = 20 * 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
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
    endpoints: tuple[Endpoint, ...]
    status: Status | None


def judge(facts: Facts, lang: Lang = Lang.FR) -> list[Finding]:
    """Return the findings, from the ground up: what is below explains what is above."""
    return [
        *_folder(facts, lang),
        *_radio(facts, lang),
        _clock(facts, lang),
        *(_endpoint(endpoint, lang) for endpoint in facts.endpoints),
        _identity(facts, lang),
        *running(facts.status, lang),
    ]


def _folder(facts: Facts, lang: Lang) -> list[Finding]:
    findings = []
    if facts.settings_error:
        remedy = (
            "flashez de nouveau la carte avec l’ordre de travail de ce site",
            "flash the card again with the work order of this site",
        )
        what = ("Réglages", "Settings")
        findings.append(found(lang, what, Severity.WRONG, facts.settings_error, remedy))
    if not facts.state_writable:
        findings.append(
            found(
                lang,
                ("Dossier d’état", "State folder"),
                Severity.WRONG,
                say(lang, "écriture impossible", "cannot be written"),
                ("carte en lecture seule ou usée : remplacez-la", "read-only or worn card: replace it"),
            )
        )
    free_mb = facts.disk_free_bytes // 1_000_000
    low = facts.disk_free_bytes < DISK_FREE_LIMIT_BYTES
    remedy = ("libérez de la place ou prenez une carte plus grande", "make room or take a larger card")
    severity = Severity.WATCH if low else Severity.GOOD
    free = say(lang, f"{free_mb} Mo libres", f"{free_mb} MB free")
    findings.append(found(lang, ("Disque", "Disk"), severity, free, remedy if low else None))
    if facts.key_mode is not None and facts.key_mode & 0o077:
        findings.append(
            found(
                lang,
                ("Clé privée", "Private key"),
                Severity.WRONG,
                say(
                    lang,
                    f"lisible par d’autres (mode {facts.key_mode:o})",
                    f"readable by others (mode {facts.key_mode:o})",
                ),
                (
                    "chmod 600 identity/key.pem, puis demandez une rotation de clé",
                    "chmod 600 identity/key.pem, then ask for a rotation of the key",
                ),
            )
        )
    return findings


def _radio(facts: Facts, lang: Lang) -> list[Finding]:
    remedy = (
        "vérifiez la carte concentrateur, sa nappe et l’activation du bus SPI",
        "check the concentrator board, its ribbon cable and that SPI is enabled",
    )
    what = ("Bus du concentrateur", "Concentrator bus")
    severity = Severity.GOOD if facts.bus_there else Severity.WRONG
    findings = [found(lang, what, severity, facts.bus, None if facts.bus_there else remedy)]
    if facts.images:
        command = "passerelle firmware import"
        remedy = (f"{command} CHEMIN", f"{command} PATH")
        findings.append(found(lang, ("Microcode", "Microcode"), Severity.WRONG, facts.images, remedy))
    return findings


def _clock(facts: Facts, lang: Lang) -> Finding:
    what = ("Heure", "Time")
    if facts.time_quality is not TimeQuality.UNTRUSTED:
        return found(lang, what, Severity.GOOD, say(lang, "synchronisée", "synchronised"))
    remedy = ("vérifiez que le port UDP 123 (NTP) est ouvert", "check that UDP port 123 (NTP) is open")
    return found(lang, what, Severity.WATCH, say(lang, "non synchronisée", "not synchronised"), remedy)


def _endpoint(endpoint: Endpoint, lang: Lang) -> Finding:
    where = f"{endpoint.host}:{endpoint.port}"
    what = (endpoint.what, ENDPOINT_NAMES.get(endpoint.what, endpoint.what))
    if not endpoint.resolved:
        remedy = (
            "vérifiez le réseau (câble, carte SIM, APN) et le DNS",
            "check the network (cable, SIM card, APN) and the DNS",
        )
        return found(
            lang, what, Severity.WRONG, f"{where} : {say(lang, 'nom inconnu', 'unknown name')}", remedy
        )
    if endpoint.reached is False:
        remedy = (
            "le réseau marche mais ce serveur ou ce port est fermé : prévenez le NOC",
            "the network works but this server or port is closed: tell the NOC",
        )
        return found(
            lang, what, Severity.WRONG, f"{where} : {say(lang, 'pas de réponse', 'no answer')}", remedy
        )
    known = (
        say(lang, "nom résolu", "name resolved")
        if endpoint.reached is None
        else say(lang, "joint", "reached")
    )
    return found(lang, what, Severity.GOOD, f"{where} : {known}")


def _identity(facts: Facts, lang: Lang) -> Finding:
    until = facts.certificate_until_us
    if until is None:
        return _without_certificate(facts, lang)
    what = ("Certificat", "Certificate")
    left_us = until - facts.now_us
    if left_us <= 0:
        remedy = (
            "rétablissez le réseau ; il est renouvelé tout seul",
            "mend the network; it is renewed by itself",
        )
        return found(lang, what, Severity.WRONG, say(lang, "certificat expiré", "expired"), remedy)
    low = left_us < CERTIFICATE_WARNING_US
    days = left_us // 86_400_000_000
    remedy = ("le renouvellement n’aboutit pas : prévenez le NOC", "renewal does not succeed: tell the NOC")
    severity = Severity.WATCH if low else Severity.GOOD
    return found(
        lang, what, severity, say(lang, f"encore {days} jours", f"{days} days left"), remedy if low else None
    )


def _without_certificate(facts: Facts, lang: Lang) -> Finding:
    refused = facts.enrolment not in (None, Outcome.UNREACHABLE, Outcome.SERVER_FAULT)
    why = facts.enrolment or say(lang, "pas encore tenté", "not tried yet")
    remedy = (
        ("demandez un nouvel ordre de travail", "ask for a new work order")
        if refused
        else ("rétablissez le réseau ; l’essai suit", "mend the network; it is tried again")
    )
    severity = Severity.WRONG if refused else Severity.WATCH
    detail = say(lang, f"pas de certificat ({why})", f"no certificate ({why})")
    return found(lang, ("Enrôlement", "Enrolment"), severity, detail, remedy)
