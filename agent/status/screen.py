"""The screen of ``agent status``: what an installer reads on a ladder, in French or English (pure)."""

from datetime import UTC, datetime

from agent.status.say import NARROW, Lang, because, count, say, typeset
from agent.status.status import ConnectorStatus, Status
from agent.wire.paths import PATHS

Pair = tuple[str, str]
RADIO_WORDS: dict[str, Pair] = {
    "RECEIVING": ("écoute", "listening"),
    "DEAF": ("SOURDE", "DEAF"),
    "OFF": ("ARRÊTÉE", "OFF"),
}
CONFIG_WORDS: dict[str, Pair] = {
    "CONFIRMED": ("confirmée par la flotte", "confirmed by the fleet"),
    "TRIAL": ("à l’essai", "on trial"),
    "REFUSED": ("en service ; la dernière reçue a été refusée", "in service; the newest was refused"),
    "ROLLED_BACK": ("en service ; la dernière reçue a été annulée", "in service; the newest was rolled back"),
    "WAITING": (
        "en service ; la dernière reçue attend l’accord de la flotte",
        "in service; the newest waits for the fleet's permit",
    ),
    "FETCHING": (
        "en service ; la dernière reçue attend le téléchargement de son logiciel",
        "in service; the newest waits for its software to be fetched",
    ),
}
ENROLMENT_WORDS: dict[str, Pair] = {
    "": ("pas encore tenté", "not tried yet"),
    "enrolled": ("fait", "done"),
    "unreachable": (
        "la flotte ne répond pas ; nouvel essai automatique",
        "the fleet does not answer; tried again by itself",
    ),
    "server_fault": (
        "la flotte est en panne ; nouvel essai automatique",
        "the fleet is out of order; tried again by itself",
    ),
    "unknown": (
        "REFUSÉ : jeton inconnu ; demandez un nouvel ordre de travail",
        "REFUSED: unknown token; ask for a new work order",
    ),
    "used": (
        "REFUSÉ : jeton déjà utilisé ; demandez un nouvel ordre de travail",
        "REFUSED: token already used; ask for a new work order",
    ),
    "expired": (
        "REFUSÉ : jeton expiré ; demandez une prolongation",
        "REFUSED: token expired; ask to extend it",
    ),
    "revoked": (
        "REFUSÉ : jeton révoqué ; demandez un nouvel ordre de travail",
        "REFUSED: token revoked; ask for a new work order",
    ),
    "foreign": (
        "REFUSÉ : jeton d’une autre passerelle ; vérifiez l’image flashée",
        "REFUSED: token of another gateway; check the flashed image",
    ),
    "malformed": (
        "REFUSÉ : demande illisible ; mettez le logiciel à jour",
        "REFUSED: unreadable request; update the software",
    ),
    "bad_certificate": (
        "certificat reçu invalide ; prévenez le gestionnaire de flotte",
        "the certificate received is invalid; tell the fleet manager",
    ),
    "disk": (
        "la carte est pleine ou en lecture seule ; voyez agent doctor",
        "the card is full or read-only; see agent doctor",
    ),
}
LOSSES: dict[str, Pair] = {
    "data_rate_unknown": ("débit inconnu du serveur", "data rate unknown to the server"),
    "filtered": ("filtrées", "filtered"),
    "join_late": ("demandes de jonction tardives", "late join-requests"),
    "neighbour_delivered": ("déjà remises par une voisine", "delivered by a neighbour already"),
    "not_ready": ("pendant l’ouverture de la réserve", "while the store was being opened"),
    "replay_off": ("tardives, reprise coupée", "late, replay is off"),
    "spool_age": ("trop vieilles", "too old"),
    "spool_bytes": ("réserve trop grosse", "store too large"),
    "spool_count": ("réserve trop longue", "store too long"),
    "spool_lost": ("réserve abîmée", "store damaged"),
    "spool_unwritable": ("carte qui refuse l’écriture", "card that refuses writes"),
}
"""Why frames were dropped."""
_POWER: dict[str, Pair] = {
    "GOOD": ("bonne", "good"),
    "THROTTLED": ("processeur ralenti", "processor slowed down"),
    "UNDER_VOLTAGE": ("TENSION TROP BASSE", "UNDER-VOLTAGE"),
}
_TIME: tuple[Pair, ...] = (("non garantie", "not trusted"), ("NTP", "NTP"), ("GNSS", "GNSS"), ("LNS", "LNS"))
_LABEL_WIDTH = 17


def serves(status: Status) -> bool:
    """Return whether all is well enough for a gateway to be left."""
    receives = status.radio == "RECEIVING" and not status.hearing
    return receives and status.link_online and any(connector.up for connector in status.connectors)


def render(status: Status, lang: Lang = Lang.FR) -> str:
    """Return the screen that an installer reads."""
    head = f"{say(lang, 'Passerelle', 'Gateway')} {status.eui} — {status.site}"
    lines = [_line(label, text) for label, text in (*_service(status, lang), *_machine(status, lang)) if text]
    return typeset(lang, "\n".join([head, *lines]))


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL_WIDTH}}{text}"


def _service(status: Status, lang: Lang) -> list[Pair]:
    hears = status.radio == "RECEIVING"
    since = _duration(status.uptime_ms // 1000, lang)
    state = say(lang, "EN SERVICE", "IN SERVICE") if serves(status) else say(lang, "À VÉRIFIER", "CHECK")
    running = say(
        lang, f"logiciel {status.version}, en marche depuis", f"software {status.version}, running for"
    )
    online = say(lang, "établi", "up") if status.link_online else say(lang, "COUPÉ", "DOWN")
    return [
        (say(lang, "État général", "State"), f"{state}   ({running} {since})"),
        (
            "Radio",
            say(lang, *RADIO_WORDS[status.radio]) + ("" if hears else because(lang, status.radio_reason)),
        ),
        (say(lang, "Audition", "Hearing"), "; ".join(because(lang, reason)[3:] for reason in status.hearing)),
        *(
            (say(lang, f"Serveur {connector.name}", f"Server {connector.name}"), _connector(connector, lang))
            for connector in status.connectors
        ),
        *(
            (
                say(lang, f"Chemin {connector.name}", f"Path {connector.name}"),
                say(lang, *PATHS[connector.kind]),
            )
            for connector in status.connectors
            if connector.kind in PATHS
        ),
        (say(lang, "Bout en bout", "End to end"), because(lang, status.end_to_end)[3:]),
        (say(lang, "Trames", "Frames"), _frames(status, lang)),
        (say(lang, "Carte", "Card"), because(lang, status.card)[3:]),
        (
            say(lang, "Enrôlement", "Enrolment"),
            say(lang, *ENROLMENT_WORDS[status.enrolment]) + because(lang, status.enrolment_reason),
        ),
        (
            say(lang, "Lien flotte", "Fleet link"),
            f"{online} ({status.link_host}){because(lang, status.link_reason)}{_round_trip(status)}",
        ),
        (
            "Configuration",
            f"version {status.config_version}, {say(lang, *CONFIG_WORDS[status.config_state])}"
            f"{because(lang, status.config_reason)}",
        ),
        (say(lang, "Logiciel", "Software"), _release(status, lang)),
    ]


def _release(status: Status, lang: Lang) -> str:
    """Return which release runs, is on trial and is ready; nothing where there is only the card's."""
    ready, trial = status.release.fields.get("releases_ready"), status.release.fields.get("release_trial")
    if not ready and status.release.reason is None:
        return ""
    slot = status.release.fields.get("release_slot", "")
    name = status.release.fields.get("release", "")
    runs = say(lang, f"version {name}, emplacement {slot}", f"release {name}, slot {slot}")
    tried = say(lang, f" ; à l’essai : {trial}", f"; on trial: {trial}") if trial else ""
    stored = say(lang, f" ; prêtes : {ready}", f"; ready: {ready}") if ready else ""
    return f"{runs}{tried}{stored}{because(lang, status.release.reason)}"


def _machine(status: Status, lang: Lang) -> list[Pair]:
    until = ""
    if status.certificate_expires_at_us is not None:
        day = datetime.fromtimestamp(status.certificate_expires_at_us / 1_000_000, UTC)
        until = say(lang, f"valable jusqu’au {day:%d/%m/%Y}", f"valid until {day:%Y-%m-%d}")
    proof, code = onsite_words(status, lang)
    return [
        (say(lang, "Heure", "Time"), say(lang, *_TIME[status.time_quality])),
        ("GNSS", _gnss(status, lang)),
        ("Machine", _vitals(status.vitals, lang)),
        (say(lang, "Alimentation", "Supply"), say(lang, *_POWER.get(status.power, ("", "")))),
        (say(lang, "Octets du mois", "Month's bytes"), _month(status, lang)),
        (say(lang, "Émission", "Air time"), _duty(status, lang)),
        (say(lang, "Certificat", "Certificate"), until),
        (say(lang, "Code sur site", "On-site code"), f"{code} ({proof})" if code else proof),
    ]


def onsite_words(status: Status, lang: Lang) -> tuple[str, str]:
    """Return what the code on site is for, and the code, or how to ask for one beside an empty code."""
    if not status.onsite_code:
        ask = say(lang, "aucun : demandez-le depuis la page du ticket", "none: ask from the ticket's page")
        return ask, ""
    minutes = -(-status.onsite_left_s // 60)
    ticket = status.onsite_ticket
    proof = say(
        lang,
        f"prouve votre présence pour le ticket n° {ticket}, encore {minutes} min",
        f"proves that you are here for ticket {ticket}, for {minutes} min more",
    )
    return proof, f"{status.onsite_code[:3]} {status.onsite_code[3:]}"


def _connector(connector: ConnectorStatus, lang: Lang) -> str:
    seconds = connector.answer_age_ms // 1000
    if connector.answer_age_ms < 0:
        answered = say(lang, "jamais de réponse", "never answered")
    else:
        answered = say(lang, f"réponse il y a {seconds} s", f"answered {seconds} s ago")
    state = say(lang, "joint", "reached") if connector.up else say(lang, "NE RÉPOND PAS", "DOES NOT ANSWER")
    waiting = f"{count(lang, connector.queued)} {say(lang, 'en attente', 'waiting')}"
    return f"{state} ({answered}, {waiting}){'' if connector.up else because(lang, connector.reason)}"


def _frames(status: Status, lang: Lang) -> str:
    names = (
        *(((("reprises", "restored"), status.restored),) if status.restored else ()),
        (("reçues", "received"), status.received),
        (("remises", "delivered"), status.delivered),
        (("en réserve", "stored"), status.spool_records),
        (("perdues", "lost"), status.dropped),
    )
    text = ", ".join(f"{say(lang, *pair)} {count(lang, number)}" for pair, number in names)
    reasons = ", ".join(
        f"{say(lang, *LOSSES.get(reason, (reason, reason)))} {count(lang, number)}"
        for reason, number in sorted(status.losses.items())
    )
    alarms = [
        *(() if status.spool_accepting else (say(lang, "RÉSERVE PLEINE", "STORE FULL"),)),
        *((unbalanced(status, lang),) if status.unbalanced else ()),
    ]
    return " — ".join([f"{text} ({reasons})" if reasons else text, *alarms])


def unbalanced(status: Status, lang: Lang) -> str:
    """Return by how much the count of frames is wrong, in words."""
    frames = count(lang, status.unbalanced)
    return say(lang, f"COMPTE FAUX de {frames}", f"COUNT WRONG by {frames}")


def _round_trip(status: Status) -> str:
    return "" if status.backhaul_rtt_ms is None else f", {status.backhaul_rtt_ms}{NARROW}ms"


def _gnss(status: Status, lang: Lang) -> str:
    if not status.gnss:
        return ""
    fix = (
        say(lang, "position acquise", "fix")
        if status.gnss.get("gnss_fix")
        else say(lang, "PAS DE POSITION", "NO FIX")
    )
    satellites = status.gnss.get("gnss_satellites")
    seen = "" if satellites is None else f", {satellites} satellites"
    pps = "" if status.gnss.get("gnss_pulse") else say(lang, ", pas d’impulsion", ", no pulse")
    return f"{fix}{seen}{pps}"


def _month(status: Status, lang: Lang) -> str:
    used, cap = status.month.get("month_used_mb"), status.month.get("month_cap_mb")
    if used is None:
        return ""
    megabytes = say(lang, f"{used}{NARROW}Mo", f"{used} MB")
    if cap is None:
        return megabytes
    of = say(lang, f"sur {cap}{NARROW}Mo", f"of {cap} MB")
    return f"{megabytes} {of}{because(lang, status.month_stopped)}"


def _duty(status: Status, lang: Lang) -> str:
    if not status.duty_percent:
        return ""
    text = f"{status.duty_percent}{NARROW}%"
    return say(
        lang, f"{text} du temps permis dans cette heure", f"{status.duty_percent}% of what this hour allows"
    )


def _duration(seconds: int, lang: Lang) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    day = say(lang, "j", "d")
    return f"{days} {day} {hours} h" if days else f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _vitals(vitals: dict[str, int | None], lang: Lang) -> str:
    def show(key: str, unit: str) -> str:
        value = vitals.get(key)
        space = say(lang, NARROW, " ")
        return say(lang, "non mesurable", "not measurable") if value is None else f"{value}{space}{unit}"

    names = (
        ("cpu_percent", "%", ("processeur", "processor")),
        ("memory_percent", "%", ("mémoire", "memory")),
        ("disk_percent", "%", ("disque", "disk")),
        ("temperature_c", "°C", ("température", "temperature")),
    )
    return ", ".join(f"{say(lang, *pair)} {show(key, unit)}" for key, unit, pair in names)
