"""How a LoRaWAN network server answers, or why it does not."""

from agent.wire.reasons.reason import Reason, code


@code("pas encore connecté", "not connected yet")
def not_connected_yet() -> None: ...


@code("répond", "answers")
def answers() -> None: ...


@code("{host}\u202f: {cause}", "{host}: {cause}")
def unreachable(*, host: str, cause: Reason) -> None: ...


@code(
    "{path}\u202f: {cause}\u202f; posez ce fichier sur la passerelle, ou corrigez son chemin",
    "{path}: {cause}; put this file on the gateway, or correct its path",
)
def file_unusable(*, path: str, cause: Reason) -> None: ...


@code(
    "le courtier veut un certificat de passerelle\u202f: renseignez certificate_file et key_file ({detail})",
    "the broker wants a certificate of this gateway: set certificate_file and key_file ({detail})",
)
def certificate_wanted(*, detail: str) -> None: ...


@code(
    "traite les trames (appareil d’essai acquitté en {latency_ms} ms)",
    "processes frames (test device acknowledged in {latency_ms} ms)",
)
def processed(*, latency_ms: int) -> None: ...


@code(
    "répond mais ne traite pas les trames\u202f: {missed_frames} essais non acquittés, un en {period_s} s",
    "answers but does not process frames: {missed_frames} tests not acknowledged, one in {period_s} s",
)
def not_processed(*, missed_frames: int, period_s: int) -> None: ...


@code("pas de réponse", "no answer")
def no_answer() -> None: ...


@code(
    "personne n’est abonné à nos trames chez le courtier\u202f: serveur arrêté, ou préfixe de région faux",
    "the broker has no subscriber for our frames: server stopped, or wrong region prefix",
)
def no_subscriber() -> None: ...


@code(
    "le courtier refuse {topic} ({mqtt_code} {detail})\u202f: vérifiez le préfixe de région et l’ACL",
    "the broker refuses {topic} ({mqtt_code} {detail}): check region prefix and ACL",
)
def topic_refused(*, topic: str, mqtt_code: str, detail: str) -> None: ...


@code(
    "le courtier refuse la connexion ou y met fin ({mqtt_code} {detail})",
    "the broker refuses or ends the connection ({mqtt_code} {detail})",
)
def broker_refused(*, mqtt_code: str, detail: str) -> None: ...


@code("le serveur a fermé la connexion", "the server closed the connection")
def server_closed() -> None: ...


@code("le serveur refuse la passerelle ({detail})", "the server refuses this gateway ({detail})")
def server_refused(*, detail: str) -> None: ...


@code("CUPS a nommé un autre serveur", "CUPS named another server")
def moved_by_cups() -> None: ...


@code(
    "CUPS propose un logiciel\u202f; refusé, seule la flotte les donne",
    "CUPS offers software; refused, only the fleet gives it",
)
def cups_software_refused() -> None: ...


@code("CUPS a changé\u202f: {changed}", "CUPS changed: {changed}")
def cups_changed(*, changed: str) -> None: ...


@code("CUPS {uri}\u202f: {cause}", "CUPS {uri}: {cause}")
def cups_failed(*, uri: str, cause: Reason) -> None: ...


@code("réponse illisible ({detail})", "unreadable answer ({detail})")
def cups_malformed(*, detail: str) -> None: ...


@code(
    "CUPS est demandé sans TLS\u202f: il ne change ni l’adresse ni la confiance d’un serveur qui en a",
    "CUPS is asked without TLS: it changes neither address nor trust of a server that has it",
)
def cups_without_tls() -> None: ...


@code(
    "UDP vers {address}\u202f: ni chiffré ni authentifié, un VPN ou un APN privé est nécessaire",
    "UDP to {address}: neither encrypted nor authenticated, a VPN or a private APN is needed",
)
def udp_unprotected(*, address: str) -> None: ...
