"""The network's radio: of each gateway how full, how noisy, whether it hears less than expected; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from fleet.airtime.capacity import fullness
from fleet.airtime.growth import PLANNED_OBJECTS, Growth, days_until, sensors_when_full
from fleet.airtime.hearing import ENOUGH_EXPECTED, TRUSTED_SHARE, Silence
from fleet.airtime.survey import GatewayAir, HourAir, NetworkAir
from fleet.durations import DAY_US, HOUR_US
from fleet.lang.text import collation
from fleet.live.model import NetworkNow
from fleet.web.rendering import Words
from fleet.web.views.curves import Curve, Series, Steps, curve_of
from fleet.web.views.tables import Column

FEWER_SHARE: Final = 0.5
"""A day with less than half of what is usual is told; weekends and holidays move less."""
STRAINED: Final = 0.5
"""Share of what a cell carries from which on it is told."""
NOISE_SHIFT_DB: Final = 6.0
"""A rise of the noise floor by four times its power; days of one site differ by a few dB."""


class AirState(StrEnum):
    """What there is to say first of a gateway's air, the worst first."""

    SILENT = "silent"
    FULL = "full"
    FEWER = "fewer"
    NOISY = "noisy"
    STRAINED = "strained"
    CALM = "calm"
    UNTOLD = "untold"
    """No picture in the last 24 hours."""


NAMED: Final = (AirState.SILENT, AirState.FULL, AirState.FEWER, AirState.NOISY)
"""States that stand in words above the table."""
RANK: Final = {state: rank for rank, state in enumerate(AirState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AirRow:
    """One gateway."""

    eui: str
    name: str
    commune_insee: str
    commune: str
    state: AirState
    air: GatewayAir | None
    silence: Silence | None
    full_at: int | None
    """Sensors of the network with which it is full."""
    full_in_days: int | None

    @property
    def fullness(self) -> float | None:
        """Its busiest cell as a percentage of what that carries."""
        return None if self.air is None else 100 * fullness(self.air.load)

    @property
    def habit(self) -> float | None:
        """Its frames as a percentage of what is usual."""
        air = self.air
        return 100 * air.frames / air.usual_frames if air and air.usual_frames else None

    @property
    def crc(self) -> float | None:
        """The percentage of its frames with a bad CRC."""
        air = self.air
        return 100 * air.crc_failed / air.frames if air and air.frames else None

    @property
    def duty_left(self) -> float | None:
        """What is left of the duty cycle of the fullest band, in percent."""
        air = self.air
        return max(0.0, 100 - air.duty_percent) if air and air.duty_percent is not None else None


def rows_of(
    network: NetworkNow,
    found: NetworkAir | None,
    silent: Mapping[str, Silence],
    growth: Growth | None,
) -> list[AirRow]:
    """Return a row for every gateway of the network that who asks may see."""
    airs = {} if found is None else {one.eui: one for one in found.gateways}
    rows = []
    for eui, now in network.gateways.items():
        air, commune = airs.get(eui), network.communes.get(now.commune_insee)
        full_at = sensors_when_full(air.load, growth.sensors) if air and growth else None
        rows.append(
            AirRow(
                eui=eui,
                name=now.name,
                commune_insee=now.commune_insee,
                commune=commune.name if commune else now.commune_insee,
                state=state_of(air, silent.get(eui)),
                air=air,
                silence=silent.get(eui),
                full_at=full_at,
                full_in_days=days_until(growth, full_at) if growth and full_at is not None else None,
            )
        )
    return rows


def state_of(air: GatewayAir | None, silence: Silence | None) -> AirState:
    """Return what there is to say first."""
    if silence is not None:
        return AirState.SILENT
    if air is None:
        return AirState.UNTOLD
    if fullness(air.load) >= 1:
        return AirState.FULL
    usual = air.usual_frames
    if usual is not None and usual * TRUSTED_SHARE >= ENOUGH_EXPECTED and air.frames < usual * FEWER_SHARE:
        return AirState.FEWER
    if None not in (air.noise_dbm, air.usual_noise_dbm) and _risen(air):
        return AirState.NOISY
    return AirState.STRAINED if fullness(air.load) >= STRAINED else AirState.CALM


def _risen(air: GatewayAir) -> bool:
    assert air.noise_dbm is not None
    assert air.usual_noise_dbm is not None
    return air.noise_dbm - air.usual_noise_dbm >= NOISE_SHIFT_DB


def sentence_of(words: Words, row: AirRow) -> str:
    """Return in words why a gateway does not stand as calm."""
    air = row.air
    if row.silence is not None:
        return silence_in_words(words, row.silence)
    if air is None:
        return words.t("radio.why.untold")
    values: dict[str, Any] = {
        "share": words.number(row.fullness or 0),
        "mhz": words.number(air.busiest_hz / 1e6, 1),
        "sf": air.busiest_sf or "FSK",
        "frames": words.number(air.frames),
        "usual": words.number(air.usual_frames or 0),
        "noise": words.number(air.noise_dbm or 0),
        "usual_noise": words.number(air.usual_noise_dbm or 0),
    }
    return words.t(f"radio.why.{row.state}", **values)


def silence_in_words(words: Words, silence: Silence) -> str:
    """Return that a gateway hears nothing while its neighbours do."""
    return words.t(
        "radio.why.silent",
        lasted=words.since(silence.since_us),
        count=silence.neighbours,
        frames=words.number(silence.usual_frames),
    )


def first_full(rows: Iterable[AirRow]) -> AirRow | None:
    """Return the gateway that runs out of air first."""
    known = [row for row in rows if row.full_at is not None]
    return min(known, key=lambda row: row.full_at or 0, default=None)


def full_by_plan(rows: Iterable[AirRow]) -> int:
    """Return how many gateways are full with the planned objects."""
    return sum(row.full_at is not None and row.full_at <= PLANNED_OBJECTS for row in rows)


def edges(rows: Iterable[AirRow], limit: int) -> list[AirRow]:
    """Return gateways at whose edge sensors stand that nobody else hears, the most first."""
    known = [row for row in rows if row.air is not None and row.air.edge]
    return sorted(known, key=lambda row: -(row.air.edge or 0) if row.air else 0)[:limit]


def hours_of(words: Words, found: NetworkAir | None) -> list[Curve]:
    """Return the pictures of interference by hour: bad CRC and noise of the whole network."""
    hours: tuple[HourAir, ...] = () if found is None else found.hours
    until_us = words.now_us if found is None else found.at_us
    steps = Steps(from_us=until_us - DAY_US, until_us=until_us, step_us=HOUR_US)
    inside = [one for one in hours if one.from_us >= steps.starts.start]
    shares = {one.from_us: 100 * one.crc_failed / one.frames for one in inside if one.frames}
    noise = {one.from_us: one.noise_dbm for one in inside if one.noise_dbm is not None}
    crc = [Series(name=words.t("curve.crc.share"), values=shares, kind="loud")] if shares else []
    floor = [Series(name=words.t("radio.noise"), values=noise, kind="loud")] if noise else []
    return [
        curve_of("crc", steps, crc, lang=words.lang, decimals=1),
        curve_of("noise_all", steps, floor, lang=words.lang, decimals=1, from_zero=False),
    ]


def columns() -> list[Column[AirRow]]:
    """Return the columns of the table."""
    return [
        Column(key="state", title="radio.state", value=lambda row: (RANK[row.state], -(row.fullness or 0))),
        Column(key="name", title="gateways.name", value=lambda row: collation(row.name)),
        Column(key="full", title="radio.full", value=lambda row: row.fullness, numeric=True),
        Column(key="cell", title="radio.cell", value=_cell, secondary=True),
        Column(
            key="lost",
            title="radio.collisions",
            value=lambda row: 100 * row.air.collisions if row.air else None,
            numeric=True,
            secondary=True,
        ),
        Column(key="frames", title="radio.frames", value=_of("frames"), numeric=True, secondary=True),
        Column(key="habit", title="radio.habit", value=lambda row: row.habit, numeric=True),
        Column(key="crc", title="radio.crc", value=lambda row: row.crc, numeric=True, secondary=True),
        Column(key="noise", title="radio.noise", value=_of("noise_dbm"), numeric=True, secondary=True),
        Column(key="duty", title="radio.duty", value=lambda row: row.duty_left, numeric=True, secondary=True),
        Column(key="alone", title="radio.alone", value=_of("alone"), numeric=True, secondary=True),
        Column(key="plan", title="radio.plan", value=lambda row: row.full_at, numeric=True, secondary=True),
    ]


def _of(name: str) -> Any:
    return lambda row: None if row.air is None else getattr(row.air, name)


def _cell(row: AirRow) -> tuple[int, int] | None:
    return (row.air.busiest_hz, row.air.busiest_sf) if row.air and row.air.busiest_hz else None


def export_columns(words: Words) -> list[Column[AirRow]]:
    """Return the columns of the export: states and channels in words, the EUI too."""
    plain = {column.key: column for column in columns()}
    numbers = ("full", "lost", "frames", "habit", "crc", "noise", "duty", "alone")
    return [
        Column(key="eui", title="gateways.eui", value=lambda row: row.eui),
        Column(key="name", title="gateways.name", value=lambda row: row.name),
        Column(key="commune", title="gateways.commune", value=lambda row: row.commune),
        Column(key="state", title="radio.state", value=lambda row: words.t(f"radio.state.{row.state}")),
        Column(key="why", title="radio.why", value=lambda row: sentence_of(words, row)),
        Column(key="cell", title="radio.cell", value=lambda row: cell_in_words(words, row)),
        *(plain[key] for key in numbers),
        Column(key="edge", title="radio.edge", value=_of("edge")),
        plain["plan"],
    ]


def cell_in_words(words: Words, row: AirRow) -> str:
    """Return the busiest channel and SF."""
    cell = _cell(row)
    if cell is None:
        return ""
    return words.t(
        "radio.cell.is", mhz=words.number(cell[0] / 1e6, 1), sf=f"SF{cell[1]}" if cell[1] else "FSK"
    )


def filtered(rows: Iterable[AirRow], state: str, text: str) -> list[AirRow]:
    """Return the rows in that state whose name, commune or EUI holds ``text``."""
    wanted = collation(text.strip())
    return [
        row
        for row in rows
        if (not state or row.state == state)
        and (not wanted or wanted in collation(" ".join((row.name, row.commune, row.eui))))
    ]
