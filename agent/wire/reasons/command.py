"""What a command answers: done, or why not."""

from agent.wire.reasons.reason import Reason, code


@code("commande hors de la liste\u202f: {cause}", "not a command of the list: {cause}")
def unfit(*, cause: Reason) -> None: ...


@code("non exécutée\u202f: la carte refuse l’écriture", "not carried out: the card cannot be written")
def not_kept() -> None: ...


@code("{limit_commands} commandes attendent déjà", "{limit_commands} commands wait already")
def queue_full(*, limit_commands: int) -> None: ...


@code("abandonnée au bout de {limit_s} s", "given up after {limit_s} s")
def given_up(*, limit_s: int) -> None: ...


@code("relance en cours", "restarting")
def restarting() -> None: ...


@code("redémarrage en cours", "rebooting")
def rebooting() -> None: ...


@code("code affiché pendant {show_s} s", "code shown for {show_s} s")
def code_shown(*, show_s: int) -> None: ...


@code("question sans clé valable\u202f: aucun code", "the question carries no valid key: no code")
def no_challenge() -> None: ...


@code("le concentrateur redémarre", "the concentrator starts again")
def concentrator_restarts() -> None: ...


@code(
    "compteur {counter_us} µs, AGC {agc_status} parité {agc_parity}, ARB parité {arb_parity}, {temperature}",
    "counter {counter_us} us, AGC {agc_status} parity {agc_parity}, ARB parity {arb_parity}, {temperature}",
)
def self_test(
    *, counter_us: int, agc_status: str, agc_parity: str, arb_parity: str, temperature: Reason
) -> None: ...


@code("température {temperature_c} °C", "temperature {temperature_c} °C")
def temperature(*, temperature_c: float) -> None: ...


@code("température non mesurée", "temperature not measured")
def no_temperature() -> None: ...


@code("{cause}\u202f; {fault}", "{cause}; {fault}")
def self_test_failed(*, cause: Reason, fault: Reason) -> None: ...


@code("bruit de fond (MHz\u202f: dBm)\u202f: {floors}", "noise floor (MHz: dBm): {floors}")
def noise_floors(*, floors: str) -> None: ...


@code("balayage\u202f: rien n’a été compté", "spectral scan: nothing was counted")
def nothing_counted() -> None: ...


@code("{lines} lignes suivent", "{lines} lines follow as events")
def lines_follow(*, lines: int) -> None: ...


@code(
    "les octets du mois sont presque épuisés\u202f: pas de mesure de débit avant le mois prochain",
    "the month's bytes are nearly used up: no speed test until the next month",
)
def month_used_up() -> None: ...


@code(
    "{down_kbit_per_s} kbit/s en descente, {up_kbit_per_s} kbit/s en montée, {each_bytes} octets chacun",
    "{down_kbit_per_s} kbit/s down, {up_kbit_per_s} kbit/s up, {each_bytes} bytes each",
)
def speed(*, down_kbit_per_s: int, up_kbit_per_s: int, each_bytes: int) -> None: ...


@code(
    "la flotte n’a pas servi la mesure {path} (HTTP {http_status})",
    "the fleet did not serve {path} (HTTP {http_status})",
)
def speed_not_served(*, path: str, http_status: int) -> None: ...


@code("nouvelle clé et nouveau certificat en service", "new key and certificate in use")
def new_key() -> None: ...
