"""What this gateway may and can send: band, power and RF chain of one downlink.

A downlink is never louder than the limit of its band, whatever was asked for.  Limits are e.r.p.; servers ask
for e.i.r.p.; the chip is set to conducted power: conducted = e.i.r.p. − antenna gain (dBi) + cable loss (dB).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.downlink.jit import SchedulingRefused
from agent.downlink.model import Code, Downlink
from agent.downlink.plan import Band, Plan, load_plan
from agent.wire import reasons
from agent.wire.configuration import RadioConfig
from hal.airtime import fsk_us, lora_us
from hal.board_files import choose
from hal.errors import OurMistake
from hal.packets import Lora, Transmission

ROUNDING_DB = 0.5
"""A difference that whole decibels of the protocols cannot show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The entry of the gain table to use, and what it amounts to."""

    conducted_dbm: float
    eirp_dbm: float
    as_asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suited:
    """A downlink as the radio can send it."""

    band: Band
    power: Power
    transmission: Transmission


@dataclass(frozen=True, slots=True, kw_only=True)
class Antenna:
    """Region, transmitters and what stands between them and the air."""

    plan: Plan
    gain_db: float
    loss_db: float
    powers_dbm: tuple[tuple[int, ...], ...]
    """Conducted powers of each RF chain's gain table; empty for a chain that cannot transmit."""

    def suit(self, downlink: Downlink) -> Suited | SchedulingRefused:
        """Return how to send a downlink, or why it cannot be sent here."""
        band = self.plan.band_of(downlink.frequency_hz, downlink.modulation)
        if band is None:
            why = reasons.downlink.no_band(
                frequency_hz=downlink.frequency_hz,
                modulation=str(downlink.modulation),
                region=self.plan.name,
            )
            return SchedulingRefused(code=Code.TX_FREQ, reason=why)
        chain = self._chain(downlink.rf_chain)
        if chain is None:
            return SchedulingRefused(code=Code.INTERNAL, reason=reasons.downlink.no_transmitter())
        power = choose_power(
            downlink.power_dbm, band, self.powers_dbm[chain], gain_db=self.gain_db, loss_db=self.loss_db
        )
        if power is None:
            why = reasons.downlink.too_strong(band=band.name, limit_dbm=band.eirp_dbm)
            return SchedulingRefused(code=Code.TX_POWER, reason=why)
        return Suited(band=band, power=power, transmission=_transmission(downlink, power, chain))

    def _chain(self, asked: int) -> int | None:
        """Return the chain asked for, or the first that can transmit: servers echo the chain of reception."""
        able = [chain for chain, powers in enumerate(self.powers_dbm) if powers]
        if asked in able:
            return asked
        return able[0] if able else None


def antenna_of(radio: RadioConfig) -> Antenna:
    """Return what the configuration makes of this gateway; a board that is not known transmits nothing."""
    try:
        radios = choose(radio.board, plan=radio.region, public=radio.lorawan_public).settings.radios
        tables = tuple(chain.gains if chain and chain.tx_enabled else () for chain in radios)
    except OurMistake:
        tables = ()
    powers = tuple(tuple(gain.power_dbm for gain in gains) for gains in tables)
    return Antenna(
        plan=load_plan(radio.region),
        gain_db=radio.antenna_gain_db,
        loss_db=radio.cable_loss_db,
        powers_dbm=powers,
    )


def airtime_of(downlink: Downlink) -> int:
    """Return the time on air of a downlink."""
    match downlink.modulation:
        case Lora() as lora:
            return lora_us(
                lora,
                len(downlink.payload),
                preamble_symbols=downlink.preamble_symbols,
                header=not downlink.implicit_header,
                crc=downlink.with_crc,
            )
        case fsk:
            return fsk_us(
                fsk, len(downlink.payload), preamble_bytes=downlink.preamble_symbols, crc=downlink.with_crc
            )


def _transmission(downlink: Downlink, power: Power, chain: int) -> Transmission:
    return Transmission(
        payload=downlink.payload,
        modulation=downlink.modulation,
        frequency_hz=downlink.frequency_hz,
        power_dbm=power.conducted_dbm,
        rf_chain=chain,
        invert_polarity=downlink.invert_polarity,
        preamble_symbols=downlink.preamble_symbols,
        implicit_header=downlink.implicit_header,
        with_crc=downlink.with_crc,
    )


def choose_power(
    asked_eirp_dbm: float | None, band: Band, table_dbm: Sequence[float], *, gain_db: float, loss_db: float
) -> Power | None:
    """Return the loudest entry that is neither above the limit nor above what was asked for.

    Where every lawful entry is louder than what was asked for, the lowest one serves.  None: even the lowest
    is above the limit.
    """
    limit_dbm = band.eirp_dbm - gain_db + loss_db
    wanted_dbm = limit_dbm if asked_eirp_dbm is None else asked_eirp_dbm - gain_db + loss_db
    lawful = [entry for entry in table_dbm if entry <= limit_dbm]
    if not lawful:
        return None
    fitting = [entry for entry in lawful if entry <= wanted_dbm]
    conducted = max(fitting) if fitting else min(lawful)
    eirp = conducted + gain_db - loss_db
    as_asked = asked_eirp_dbm is None or abs(eirp - asked_eirp_dbm) <= ROUNDING_DB
    return Power(conducted_dbm=conducted, eirp_dbm=eirp, as_asked=as_asked)
