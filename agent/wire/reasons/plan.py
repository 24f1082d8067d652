"""What a network server asks of the radio's channels, and what the gateway makes of it."""

from agent.wire.reasons.reason import Reason, code


@code("le serveur demande de nouveau nos canaux", "the server asks for our channels again")
def same() -> None: ...


@code(
    "le serveur demande d’autres canaux ({differences})\u202f; la configuration signée décide",
    "the server asks for other channels ({differences}); the signed configuration decides",
)
def differs(*, differences: tuple[Reason, ...]) -> None: ...


@code(
    "le serveur demande des canaux impossibles\u202f: {cause}", "the server asks for what cannot be: {cause}"
)
def impossible(*, cause: Reason) -> None: ...


@code(
    "le serveur change de canaux trop souvent ({differences})\u202f; refusé",
    "the server changes channels too often ({differences}); refused",
)
def too_often(*, differences: tuple[Reason, ...]) -> None: ...


@code(
    "le serveur, maître du plan radio, change les canaux\u202f: {differences}",
    "the server owns the radio plan and changes the channels: {differences}",
)
def obeyed(*, differences: tuple[Reason, ...]) -> None: ...


@code("en plus {channels}", "more: {channels}")
def more(*, channels: tuple[Reason, ...]) -> None: ...


@code("en moins {channels}", "less: {channels}")
def less(*, channels: tuple[Reason, ...]) -> None: ...


@code("{frequency_mhz} MHz", "{frequency_mhz} MHz")
def channel(*, frequency_mhz: float) -> None: ...


@code(
    "SF{sf} à {bandwidth_khz} kHz sur {frequency_mhz} MHz",
    "SF{sf} at {bandwidth_khz} kHz on {frequency_mhz} MHz",
)
def service(*, sf: int, bandwidth_khz: int, frequency_mhz: float) -> None: ...


@code("FSK sur {frequency_mhz} MHz", "FSK on {frequency_mhz} MHz")
def fsk(*, frequency_mhz: float) -> None: ...


@code("aucun canal\u202f: la passerelle serait sourde", "no channel: the gateway would be deaf")
def no_channel() -> None: ...


@code(
    "{channels} canaux, le concentrateur en a {limit_channels}",
    "{channels} channels, the concentrator has {limit_channels}",
)
def too_many(*, channels: int, limit_channels: int) -> None: ...


@code("la carte n’a qu’une radio", "the board has one radio only")
def single_radio() -> None: ...


@code("{frequency_mhz} MHz est hors de la bande", "{frequency_mhz} MHz is outside the band")
def out_of_band(*, frequency_mhz: float) -> None: ...


@code(
    "les canaux sont trop éloignés pour deux radios de {bandwidth_mhz} MHz",
    "the channels are too far apart for two radios of {bandwidth_mhz} MHz",
)
def too_far_apart(*, bandwidth_mhz: float) -> None: ...
