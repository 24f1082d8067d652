"""What the operating system, the name service and TLS answer; made by ``agent.failures`` from exceptions."""

from agent.wire.reasons.reason import code


@code("connexion refusée", "connection refused")
def connection_refused() -> None: ...


@code("connexion coupée par l’autre côté", "connection reset by the other side")
def connection_reset() -> None: ...


@code("réseau injoignable", "network unreachable")
def network_unreachable() -> None: ...


@code("aucune route vers le serveur", "no route to the server")
def no_route() -> None: ...


@code("délai dépassé", "timed out")
def timed_out() -> None: ...


@code("nom inconnu du DNS", "name unknown to the DNS")
def name_unknown() -> None: ...


@code("le DNS ne répond pas", "the DNS does not answer")
def name_service_silent() -> None: ...


@code(
    "le certificat du serveur n’est pas reconnu ({detail})",
    "the server's certificate is not believed ({detail})",
)
def certificate_not_believed(*, detail: str) -> None: ...


@code(
    "cette passerelle est RÉVOQUÉE\u202f: la flotte a retiré son certificat",
    "this gateway is REVOKED: the fleet has withdrawn its certificate",
)
def certificate_revoked() -> None: ...


@code("la liaison chiffrée échoue ({detail})", "TLS failed ({detail})")
def tls_failed(*, detail: str) -> None: ...


@code("plus de place sur la carte", "no space left on the card")
def no_space() -> None: ...


@code("carte en lecture seule", "the card is read-only")
def read_only() -> None: ...


@code("erreur de lecture ou d’écriture de la carte", "input/output error of the card")
def input_output() -> None: ...


@code("fichier ou appareil absent", "no such file or device")
def absent() -> None: ...


@code("accès interdit", "permission denied")
def not_permitted() -> None: ...


@code("erreur système ({detail})", "system error ({detail})")
def other(*, detail: str) -> None: ...


@code("erreur inattendue du logiciel ({detail})", "unexpected error of the software ({detail})")
def unexpected(*, detail: str) -> None: ...


@code("le serveur n’a pas répondu en HTTP ({detail})", "the server did not answer in HTTP ({detail})")
def no_http(*, detail: str) -> None: ...


@code("valeur refusée ({detail})", "value refused ({detail})")
def value_refused(*, detail: str) -> None: ...
