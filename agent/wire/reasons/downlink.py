"""What became of a downlink, and why it was not sent."""

from agent.wire.reasons.reason import Reason, code


@code("émise", "sent")
def sent() -> None: ...


@code("la radio n’a rien dit", "the radio did not say")
def radio_silent() -> None: ...


@code("non émise ({tx_state})", "not sent ({tx_state})")
def not_on_air(*, tx_state: str) -> None: ...


@code("temps d’émission épuisé, {cause}", "air time used up, {cause}")
def duty_cycle(*, cause: Reason) -> None: ...


@code(
    "son instant est passé avant que la radio ne l’ait",
    "its instant passed before the radio had it",
)
def missed() -> None: ...


@code("un message prioritaire a pris sa place", "a downlink of higher priority took its place")
def displaced() -> None: ...


@code(
    "{frequency_hz} Hz, {modulation}\u202f: dans aucune bande de {region}",
    "{frequency_hz} Hz, {modulation}: in no band of {region}",
)
def no_band(*, frequency_hz: int, modulation: str, region: str) -> None: ...


@code("aucune voie radio de cette carte ne peut émettre", "no RF chain of this board can transmit")
def no_transmitter() -> None: ...


@code(
    "bande {band}\u202f: la plus faible puissance de la carte dépasse {limit_dbm} dBm p.i.r.e.",
    "band {band}: the lowest power of the board is above {limit_dbm} dBm e.i.r.p.",
)
def too_strong(*, band: str, limit_dbm: float) -> None: ...


@code("{limit_downlinks} messages attendent déjà", "{limit_downlinks} downlinks are queued")
def queue_full(*, limit_downlinks: int) -> None: ...


@code(
    "début dans {ahead_us} µs, il en faut {least_us} d’avance",
    "it starts {ahead_us} us ahead, {least_us} us are needed",
)
def too_soon(*, ahead_us: int, least_us: int) -> None: ...


@code(
    "début il y a {late_us} µs, il faut {least_us} µs d’avance",
    "it started {late_us} us ago, {least_us} us ahead are needed",
)
def already_past(*, late_us: int, least_us: int) -> None: ...


@code("début dans {ahead_us} µs, {most_us} µs au plus", "it starts {ahead_us} us ahead, at most {most_us} us")
def too_early(*, ahead_us: int, most_us: int) -> None: ...


@code("aucun créneau libre", "no gap")
def no_gap() -> None: ...


@code("il heurte la balise à {start_us}", "it collides with the beacon at {start_us}")
def beacon_there(*, start_us: int) -> None: ...


@code(
    "il heurte le message à {start_us}, long de {airtime_us} µs",
    "it collides with the downlink at {start_us}, {airtime_us} us long",
)
def downlink_there(*, start_us: int, airtime_us: int) -> None: ...


@code(
    "bande {band}\u202f: {airtime_us} µs à émettre, {room_us} µs restent pour cette heure",
    "band {band}: {airtime_us} us to send, {room_us} us left this hour",
)
def band_full(*, band: str, airtime_us: int, room_us: int) -> None: ...


@code("il répond à une trame remise en retard", "it answers a frame that was delivered late")
def answers_late_frame() -> None: ...


@code("il répond à un démarrage précédent de la radio", "it answers another start of the radio")
def other_session() -> None: ...


@code("pas d’heure GPS", "no GPS time")
def no_gps_time() -> None: ...


@code("canal occupé\u202f: rien n’a été émis", "the channel was occupied: nothing was sent")
def channel_occupied() -> None: ...


@code(
    "{frequency_hz} Hz\u202f: pas un canal où l’on écoute avant d’émettre",
    "{frequency_hz} Hz: no channel on which one listens before talk",
)
def no_lbt_channel(*, frequency_hz: int) -> None: ...


@code(
    "{airtime_us} µs à émettre, ce canal en admet {limit_us} après écoute",
    "{airtime_us} us to send, this channel admits {limit_us} after listening",
)
def too_long_for_lbt(*, airtime_us: int, limit_us: int) -> None: ...
