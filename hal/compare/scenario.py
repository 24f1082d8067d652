"""A configuration and what happens under it, drawn from a seed: what both sides are taken through.

Everything lies where both can serve it; what must be refused stands in ``tests/unit/hal``.
"""

from dataclasses import dataclass
from random import Random

from hal.packets import Crc, Cw, Fsk, Lora, Modulation, Transmission, TxTrigger
from hal.settings import (
    Channel,
    FineTimestampMode,
    FskModem,
    Gain,
    LbtChannel,
    ListenBeforeTalk,
    LoraService,
    Radio,
    Settings,
    Sx1261Settings,
    TemperatureCompensation,
)
from hal.twin.facts import MODEL_SX1302, MODEL_SX1303, TICKS_PER_US
from hal.twin.rf_event import RfEvent
from hal.units import Hz, Micros

PHASE_US = 30_000_000
"""Phase k begins at counter (k + 1) x this: longer than the longest frame, all before the counter wraps."""
PHASES = 3
IDLE_POLLS = 18
"""A second apart: an SX1303 needs sixteen pulses before the first fine timestamp."""
CENTRES_HZ = ((868_500_000, 867_500_000), (867_500_000, 868_500_000), (904_300_000, 905_000_000))
GRID_HZ = 100_000
QUIET_DBM, LOUD_DBM = -110.0, -50.0
LBT_THRESHOLD_DBM = -80
SIZES_BYTES = (1, 64)
BITRATES_BPS = (4_800, 50_000, 64_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Frames that have ended when the host asks."""

    events: tuple[RfEvent, ...]
    idle_polls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One transmission, and what the listening radio hears meanwhile."""

    transmission: Transmission
    noise_dbm: float = QUIET_DBM


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What one run consists of."""

    name: str
    """``SEED/INDEX`` where it was drawn."""
    settings: Settings
    model: int
    phases: tuple[Reception | Sending, ...]


def begins_us(phase: int) -> int:
    """Return the counter at which a phase begins.

    >>> begins_us(0)
    30000000
    """
    return (phase + 1) * PHASE_US


def draw(seed: int, index: int) -> Scenario:
    """Return scenario ``index`` of a seed; the same for ever."""
    random = Random(f"{seed}/{index}")  # noqa: S311 - a scenario is no secret
    fine = random.random() < 0.2
    settings = _settings(random, fine=fine)
    phases = tuple(_phase(random, settings, number, fine=fine) for number in range(PHASES))
    model = MODEL_SX1303 if fine else MODEL_SX1302
    return Scenario(name=f"{seed}/{index}", settings=settings, model=model, phases=phases)


def _settings(random: Random, *, fine: bool) -> Settings:
    centres = random.choice(CENTRES_HZ)
    lbt, single = random.random() < 0.25, random.random() < 0.15
    factors = frozenset(sf for sf in range(5, 13) if random.random() < 0.8) or frozenset({7})
    chains = 1 if single else 2
    return Settings(
        radios=(_radio(random, centres[0]), None if single else _radio(random, centres[1])),
        channels=tuple(_channel(random, chains) if random.random() < 0.85 else None for _ in range(8)),
        spreading_factors=factors,
        service=_service(random, chains) if random.random() < 0.7 else None,
        fsk=_fsk(random, chains) if random.random() < 0.7 else None,
        clock_source=random.randrange(chains),
        public=random.random() < 0.7,
        fine_timestamp=random.choice(list(FineTimestampMode)) if fine else None,
        sx1261=Sx1261Settings(rssi_offset_db=random.randint(-5, 20), lbt=_lbt(random, centres))
        if lbt
        else None,
        strict_tx=False,
    )


def _radio(random: Random, centre_hz: int) -> Radio:
    powers = sorted(random.sample(range(-5, 28), random.randint(1, 16)))
    drift = (
        TemperatureCompensation(c=20.41, d=2162.56) if random.random() < 0.7 else TemperatureCompensation()
    )
    return Radio(
        frequency_hz=Hz(centre_hz),
        rssi_offset_db=random.choice((-215.4, -207.0, -200.5)),
        compensation=drift,
        single_input=random.random() < 0.5,
        tx_enabled=True,
        gains=tuple(
            Gain(power_dbm=power, pa_gain=random.randint(0, 1), power_index=random.randint(0, 22))
            for power in powers
        ),
    )


def _channel(random: Random, chains: int, *, bandwidth_hz: int = 125_000, reach: int = 7) -> Channel:
    steps = random.randint(-reach, reach)
    return Channel(
        rf_chain=random.randrange(chains),
        if_hz=steps * GRID_HZ + random.choice((0, 0, 250)),
        bandwidth_hz=bandwidth_hz,
    )


def _service(random: Random, chains: int) -> LoraService:
    bandwidth_hz = random.choice((125_000, 250_000, 500_000))
    implicit = random.random() < 0.2
    return LoraService(
        channel=_channel(random, chains, bandwidth_hz=bandwidth_hz, reach=5),
        sf=random.randint(5, 12),
        implicit_header=implicit,
        implicit_payload_bytes=random.randint(1, 64) if implicit else 0,
        implicit_crc=implicit and random.random() < 0.5,
        implicit_coding_rate=random.randint(1, 4) if implicit else 0,
    )


def _fsk(random: Random, chains: int) -> FskModem:
    return FskModem(
        channel=_channel(random, chains), bitrate_bps=random.choice((4_800, 50_000, 64_000, 100_000))
    )


def _sx1261(random: Random, centres: tuple[int, int]) -> Sx1261Settings:
    return Sx1261Settings(rssi_offset_db=random.randint(-5, 20), lbt=_lbt(random, centres))


def _lbt(random: Random, centres: tuple[int, int]) -> ListenBeforeTalk:
    channels = tuple(
        LbtChannel(
            frequency_hz=Hz(centre),
            bandwidth_hz=bandwidth,
            scan_us=random.choice((128, 5000)),
            transmit_limit_ms=4000,
        )
        for centre in centres
        for bandwidth in (125_000, 250_000)
    )
    return ListenBeforeTalk(threshold_dbm=LBT_THRESHOLD_DBM, channels=channels)


def _phase(random: Random, settings: Settings, number: int, *, fine: bool) -> Reception | Sending:
    if number == 0:
        events = tuple(_event(random, settings, number) for _ in range(random.randint(1, 6)))
        return Reception(events=events, idle_polls=IDLE_POLLS if fine else 0)
    noise_dbm = random.choice((QUIET_DBM, LOUD_DBM))
    return Sending(transmission=_transmission(random, settings, number), noise_dbm=noise_dbm)


def _event(random: Random, settings: Settings, number: int) -> RfEvent:
    """Return a frame on a channel of the plan, now and then beside it."""
    index, channel = random.choice(
        [(i, each) for i, each in enumerate(settings.all_channels) if each] or [(0, None)]
    )
    radio = settings.radios[0 if channel is None else channel.rf_chain]
    assert radio is not None, "channels are on radios that are enabled"
    centre_hz = radio.frequency_hz + (0 if channel is None else channel.if_hz)
    crc = random.choice((Crc.OK, Crc.OK, Crc.OK, Crc.BAD, Crc.ABSENT))
    modulation, service = _heard(random, settings, index), settings.service
    size = random.randint(*SIZES_BYTES)
    implicit = index == 8 and service is not None and service.implicit_header
    if implicit and service is not None:
        size = service.implicit_payload_bytes
        crc = crc if service.implicit_crc and crc is not Crc.ABSENT else Crc.ABSENT
        modulation = Lora(
            sf=service.sf,
            bandwidth_hz=service.channel.bandwidth_hz,
            coding_rate=service.implicit_coding_rate,
        )
    return RfEvent(
        payload=random.randbytes(size),
        modulation=modulation,
        implicit_header=implicit,
        frequency_hz=centre_hz + random.choice((0, 0, 0, 0, 90_000)),
        rssi_dbm=random.uniform(-130, -45),
        snr_db=random.randint(-88, 48) / 4,
        crc=crc,
        frequency_error_hz=random.randint(-3_000, 3_000),
        ends_at_ticks=(begins_us(number) - random.randint(500_000, 2_000_000)) * TICKS_PER_US,
        fraction_ticks=random.random(),
        public=settings.public if random.random() < 0.9 else not settings.public,
    )


def _heard(random: Random, settings: Settings, index: int) -> Lora | Fsk:
    coding_rate = random.randint(1, 4)
    if index == 9 and settings.fsk is not None:
        return Fsk(bitrate_bps=settings.fsk.bitrate_bps)
    if index == 8 and settings.service is not None:
        bandwidth_hz = settings.service.channel.bandwidth_hz
        return Lora(sf=settings.service.sf, bandwidth_hz=bandwidth_hz, coding_rate=coding_rate)
    return Lora(sf=random.choice(sorted(settings.spreading_factors)), coding_rate=coding_rate)


def _transmission(random: Random, settings: Settings, number: int) -> Transmission:
    chain, radio = random.choice([(i, each) for i, each in enumerate(settings.radios) if each is not None])
    trigger = random.choice(
        (TxTrigger.IMMEDIATE, TxTrigger.TIMESTAMPED, TxTrigger.TIMESTAMPED, TxTrigger.ON_GPS)
    )
    at_us = begins_us(number) + random.randint(100_000, 900_000) if trigger is TxTrigger.TIMESTAMPED else None
    listens = settings.sx1261 is not None
    modulation = _sent(random, carrier=trigger is TxTrigger.IMMEDIATE and not listens, listens=listens)
    offset_hz = 0 if listens else random.randint(-300, 300) * 1_000
    return Transmission(
        payload=random.randbytes(random.randint(*SIZES_BYTES)),
        modulation=modulation,
        frequency_hz=Hz(radio.frequency_hz + offset_hz),
        power_dbm=random.randint(-6, 30),
        rf_chain=chain,
        trigger=trigger,
        at_us=None if at_us is None else Micros(at_us),
        invert_polarity=random.random() < 0.5,
        preamble_symbols=random.choice((0, 6, 8, 10, 12)),
        implicit_header=random.random() < 0.2,
        with_crc=random.random() < 0.5,
    )


def _sent(random: Random, *, carrier: bool, listens: bool) -> Modulation:
    draw_ = random.random()
    if draw_ < 0.25:
        return Fsk(
            bitrate_bps=random.choice((4_800, 50_000, 100_000)),
            deviation_hz=random.choice((5, 25, 50)) * 1000,
        )
    if draw_ < 0.35 and carrier:
        return Cw(offset_hz=random.randint(-100, 100) * 1_000)
    bandwidths = (125_000, 250_000) if listens else (125_000, 250_000, 500_000)
    sf = random.randint(5, 11 if listens else 12)
    return Lora(sf=sf, bandwidth_hz=random.choice(bandwidths), coding_rate=random.randint(1, 4))
