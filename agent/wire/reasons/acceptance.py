"""What the checks of an acceptance on site found; read by installers on a phone, and in the signed record."""

from agent.wire.reasons.reason import Reason, code


@code("le concentrateur écoute, puce {eui}", "the concentrator receives, chip {eui}")
def receives(*, eui: str) -> None: ...


@code(
    "la puce est {found_eui}, l’ordre attend {expected_eui}\u202f: ce n’est pas la carte de cette passerelle",
    "the chip is {found_eui}, the order expects {expected_eui}: this card is another gateway's",
)
def another_chip(*, found_eui: str, expected_eui: str) -> None: ...


@code(
    "le concentrateur n’écoute pas\u202f: {cause}\u202f; vérifiez la carte radio et sa nappe",
    "the concentrator does not receive: {cause}; check the radio board and its connection",
)
def not_receiving(*, cause: Reason) -> None: ...


@code(
    "le concentrateur démarre, attendez quelques secondes",
    "the concentrator starts, wait some seconds",
)
def starting() -> None: ...


@code(
    "mesuré sur {channels} canaux\u202f: médiane {median_dbm} dBm, pire {worst_dbm} dBm ({worst_hz} Hz)",
    "measured on {channels} channels: median {median_dbm} dBm, worst {worst_dbm} dBm ({worst_hz} Hz)",
)
def noise_measured(*, channels: int, median_dbm: float, worst_dbm: float, worst_hz: int) -> None: ...


@code(
    "estimé {dbm} dBm, tous canaux ensemble, d’après {frames} trames faibles",
    "estimated {dbm} dBm, all channels together, from {frames} weak frames",
)
def noise_estimated(*, dbm: float, frames: int) -> None: ...


@code(
    "non mesurable\u202f: pas de SX1261 en service, et aucune trame faible entendue encore",
    "not measurable: no SX1261 is in use, and no weak frame was heard yet",
)
def noise_unknown() -> None: ...


@code(
    "à {distance_m} m du site de l’ordre ({commune})",
    "{distance_m} m from the order's site ({commune})",
)
def at_the_site(*, distance_m: int, commune: str) -> None: ...


@code(
    "à {distance_m} m du site de l’ordre ({commune})\u202f: vérifiez le site et la carte",
    "{distance_m} m from the order's site ({commune}): check site and card",
)
def far_from_the_site(*, distance_m: int, commune: str) -> None: ...


@code(
    "pas de récepteur GNSS réglé\u202f; la position est celle du registre",
    "no GNSS receiver is configured; the position is the registry's",
)
def no_gnss() -> None: ...


@code(
    "le récepteur GNSS n’a pas de position\u202f; donnez-lui une vue du ciel",
    "the GNSS receiver has no fix; give it a view of the sky",
)
def no_fix() -> None: ...


@code(
    "l’ordre ne dit pas où est le site ({latitude_deg}, {longitude_deg} mesurés)",
    "the order does not say where the site is ({latitude_deg}, {longitude_deg} measured)",
)
def site_without_position(*, latitude_deg: float, longitude_deg: float) -> None: ...


@code(
    "p.i.r.e. {eirp_dbm} dBm au plus (limite {limit_dbm})\u202f: antenne {gain_dbi} dBi, câble {loss_db} dB,"
    " valeurs réglées",
    "e.i.r.p. at most {eirp_dbm} dBm (limit {limit_dbm}): antenna {gain_dbi} dBi, cable {loss_db} dB, as set",
)
def eirp(*, eirp_dbm: float, limit_dbm: float, gain_dbi: float, loss_db: float) -> None: ...


@code(
    "gain d’antenne et perte de câble ne sont pas réglés (0 et 0)\u202f: la p.i.r.e. n’est pas connue",
    "antenna gain and cable loss are not set (0 and 0): the e.i.r.p. is not known",
)
def antenna_not_set() -> None: ...


@code(
    "aucune puissance de cette carte ne respecte la limite avec {gain_dbi} dBi\u202f: corrigez les réglages",
    "no power of this board keeps the limit with {gain_dbi} dBi: correct the settings",
)
def too_strong(*, gain_dbi: float) -> None: ...


@code(
    "{done_s} s sur {whole_s}\u202f: {answered_tries} réponses, {lost_tries} perdues",
    "{done_s} s of {whole_s}: {answered_tries} answers, {lost_tries} lost",
)
def measuring(*, done_s: int, whole_s: int, answered_tries: int, lost_tries: int) -> None: ...


@code(
    "la flotte n’a jamais répondu\u202f: pas de réseau ici\u202f; la liaison reste à prouver",
    "the fleet never answered: no network here; the backhaul is still to be proved",
)
def no_backhaul() -> None: ...


@code(
    "essais\u202f: {tries} en {whole_s} s, {lost_percent} % perdus, médiane {median_ms} ms,"
    " pire {worst_ms} ms, {kbit_per_s} kbit/s descendants",
    "tries: {tries} in {whole_s} s, {lost_percent} % lost, median {median_ms} ms, worst {worst_ms} ms,"
    " {kbit_per_s} kbit/s down",
)
def backhaul(
    *, tries: int, whole_s: int, lost_percent: float, median_ms: int, worst_ms: int, kbit_per_s: int
) -> None: ...


@code(
    "le serveur LoRaWAN {name} a répondu il y a {age_s} s",
    "the LoRaWAN server {name} answered {age_s} s ago",
)
def lns_answers(*, name: str, age_s: int) -> None: ...


@code("{proof}", "{proof}")
def lns_proved(*, proof: Reason) -> None: ...


@code(
    "le serveur LoRaWAN {name} ne répond pas\u202f: {cause}",
    "the LoRaWAN server {name} does not answer: {cause}",
)
def lns_silent(*, name: str, cause: Reason) -> None: ...


@code(
    "entend {heard_gateways} passerelles voisines (trames d’essai)",
    "hears {heard_gateways} neighbouring gateways (test frames)",
)
def neighbours_heard(*, heard_gateways: int) -> None: ...


@code(
    "aucune trame d’essai d’une voisine entendue\u202f; la flotte la demandera (page de la passerelle)",
    "no test frame of a neighbour was heard; the fleet will ask for one (page of the gateway)",
)
def no_neighbour() -> None: ...
