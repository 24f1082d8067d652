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
from hal.settings import LbtChannel, ListenBeforeTalk
from hal.sx1261.lbt import LISTEN_LEAD_US, matching
from hal.units import Hz

ROUNDED_UP_US = 1_000
"""hal judges in whole milliseconds, as the reference does: what is nearer to the limit is refused here."""
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
    lbt: ListenBeforeTalk | None = None
    """Channels on which a downlink may leave after listening; None: everywhere, unheard."""

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
        refused = self._admit(downlink)
        if refused is not None:
            return refused
        return Suited(band=band, power=power, transmission=_transmission(downlink, power, chain))

    def _admit(self, downlink: Downlink) -> SchedulingRefused | None:
        """Return why listen before talk has no channel for a downlink; None where it has, or is off."""
        if self.lbt is None:
            return None
        bandwidth_hz = downlink.modulation.bandwidth_hz
        channel = matching(self.lbt, downlink.frequency_hz, bandwidth_hz)
        if channel is None:
            nowhere = reasons.downlink.no_lbt_channel(frequency_hz=downlink.frequency_hz)
            return SchedulingRefused(code=Code.LBT, reason=nowhere)
        airtime_us, limit_us = airtime_of(downlink), channel.transmit_limit_ms * 1000 - LISTEN_LEAD_US
        if airtime_us + ROUNDED_UP_US <= limit_us:
            return None
        long = reasons.downlink.too_long_for_lbt(airtime_us=airtime_us, limit_us=limit_us)
        return SchedulingRefused(code=Code.LBT, reason=long)

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
        lbt=lbt_rules(radio),
    )


def lbt_rules(radio: RadioConfig) -> ListenBeforeTalk | None:
    """Return the channels of listen before talk as hal takes them; None where it is off."""
    if not radio.lbt.channels:
        return None
    channels = tuple(
        LbtChannel(
            frequency_hz=Hz(each.frequency_hz),
            bandwidth_hz=each.bandwidth_hz,
            scan_us=each.scan_us,
            transmit_limit_ms=each.transmit_limit_ms,
        )
        for each in radio.lbt.channels
    )
    return ListenBeforeTalk(threshold_dbm=radio.lbt.threshold_dbm, channels=channels)


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
