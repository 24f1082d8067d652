"""What the fleet answers who asks for a certificate."""

from agent.wire.reasons.reason import Reason, code


@code("{url}\u202f: {cause}", "{url}: {cause}")
def unreachable(*, url: str, cause: Reason) -> None: ...


@code("HTTP {http_status} {detail}", "HTTP {http_status} {detail}")
def refused(*, http_status: int, detail: str) -> None: ...


@code("adresse d’enrôlement inutilisable ({url})", "unusable address of enrolment ({url})")
def bad_url(*, url: str) -> None: ...


@code("réponse illisible ({detail})", "unreadable answer ({detail})")
def malformed_answer(*, detail: str) -> None: ...


@code("pas encore de certificat, rien à renouveler", "no certificate yet, nothing to renew")
def nothing_to_renew() -> None: ...


@code(
    "certificat non signé par l’autorité de la flotte ({detail})",
    "certificate not signed by the fleet's CA ({detail})",
)
def not_of_the_fleet(*, detail: str) -> None: ...


@code("certificat pour {names}, cette passerelle est {eui}", "certificate for {names}, this is {eui}")
def for_another(*, names: str, eui: str) -> None: ...


@code("certificat pour une autre clé", "certificate for another key")
def for_another_key() -> None: ...


@code("clé privée inutilisable ({detail})", "unusable private key ({detail})")
def bad_key(*, detail: str) -> None: ...


@code("le certificat ne peut pas être gardé ({cause})", "the certificate cannot be kept ({cause})")
def not_kept(*, cause: Reason) -> None: ...


@code("{outcome}\u202f: {cause}", "{outcome}: {cause}")
def failed(*, outcome: str, cause: Reason) -> None: ...
