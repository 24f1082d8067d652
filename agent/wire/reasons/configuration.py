"""What became of a configuration, and what its document breaks."""

from agent.wire.reasons.reason import Reason, code


@code(
    "version {version} annulée, retour à la version {good_version}\u202f: {cause}",
    "version {version} rolled back to {good_version}: {cause}",
)
def rolled_back(*, version: int, good_version: int, cause: Reason) -> None: ...


@code("la flotte ne l’a pas confirmée en {limit_s} s", "the fleet did not confirm it within {limit_s} s")
def not_confirmed(*, limit_s: int) -> None: ...


@code("la passerelle a redémarré pendant l’essai", "the gateway restarted during the trial")
def restarted_on_trial() -> None: ...


@code("elle n’a pas pu être appliquée\u202f: {cause}", "it could not be applied: {cause}")
def not_applied(*, cause: Reason) -> None: ...


@code(
    "version {version}\u202f: ce contenu a déjà échoué\u202f; renvoyez-le comme nouvel essai explicite",
    "version {version}: this content failed before; send it as an explicit retry",
)
def failed_before(*, version: int) -> None: ...


@code(
    "la version {version} touche le service et attend l’accord de la flotte",
    "version {version} touches the service and waits for a permit",
)
def waits_for_permit(*, version: int) -> None: ...


@code("document hors schéma\u202f: {cause}", "the document does not fit: {cause}")
def unfit(*, cause: Reason) -> None: ...


@code("{path}\u202f: va avec dev_addr, et seulement avec lui", "{path}: needed with, and only with, dev_addr")
def key_without_device(*, path: str) -> None: ...


@code("connectors\u202f: il en faut au moins un", "connectors: at least one is needed")
def no_connector() -> None: ...


@code("connectors\u202f: chaque nom une seule fois", "connectors: each name only once")
def same_name_twice() -> None: ...


@code(
    "connectors\u202f: un seul doit être contractuel, et un au moins",
    "connectors: exactly one must be contractual",
)
def not_one_contractual() -> None: ...


@code(
    "release\u202f: fetch et wanted demandent root_sha256, l’empreinte de la première racine",
    "release: fetch and wanted need root_sha256, the hash of the first root",
)
def release_without_root() -> None: ...


@code("connectors\u202f: owns_radio_plan pour un au plus", "connectors: owns_radio_plan for one at most")
def several_plan_owners() -> None: ...


@code(
    "{path}\u202f: va seulement, et toujours, avec son certificat",
    "{path}: needed with, and only with, its certificate",
)
def key_without_certificate(*, path: str) -> None: ...


@code(
    "{path}\u202f: un seul certificat, celui de certificate_file ou celui de certificate_pem",
    "{path}: one certificate only, that of certificate_file or that of certificate_pem",
)
def two_certificates(*, path: str) -> None: ...


@code("{path}\u202f: seul basics_station connaît CUPS", "{path}: only basics_station knows CUPS")
def cups_elsewhere(*, path: str) -> None: ...


@code("{path}\u202f: semtech_udp ne donne pas de plan radio", "{path}: semtech_udp has no radio plan to give")
def plan_of_udp(*, path: str) -> None: ...


@code(
    "{path}\u202f: semtech_udp ne connaît pas TLS\u202f; un VPN ou une autre sorte de connecteur",
    "{path}: semtech_udp knows no TLS; use a VPN or another kind",
)
def tls_of_udp(*, path: str) -> None: ...


@code(
    "{path}\u202f: basics_station ne peut pas marquer une telle trame",
    "{path}: basics_station cannot mark such a frame",
)
def bad_crc_of_station(*, path: str) -> None: ...


@code(
    "{path}\u202f: pour basics_station seulement, les autres les remettent toujours",
    "{path}: for basics_station only, the others forward them in any case",
)
def non_lorawan_elsewhere(*, path: str) -> None: ...


@code("{path}\u202f: il faut aussi radio.sx1261", "{path}: needs radio.sx1261 as well")
def lbt_without_radio(*, path: str) -> None: ...
