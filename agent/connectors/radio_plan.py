"""The channels that a server asks for, against those that the radio listens to; pure.

The signed configuration owns the radio (DESIGN §4): what differs is reported, and obeyed only when the
configuration names that connector as owner of the plan.  Only what the gateway listens to is compared: where
it may send is the regional plan's matter.

Sources: FACTS §6.9 for what two radios can hear; RP002-1.0.3 for the channels of EU863-870.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.wire import reasons
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import OurMistake
from hal.settings import (
    MULTI_SF_CHANNELS,
    RADIO_BANDWIDTH_HZ,
    Channel,
    FskModem,
    LoraService,
    Radio,
    Settings,
)
from hal.units import Hz

MULTI_SF_BANDWIDTH_HZ = 125_000
FSK_BANDWIDTH_HZ = 125_000


class PlanError(ReasonedError, ValueError):
    """Channels that this gateway cannot listen to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioPlan:
    """What is listened to: frequencies in Hz."""

    multi: frozenset[int]
    """125 kHz, every spreading factor."""
    service: tuple[int, int, int] | None = None
    """(frequency, bandwidth in Hz, spreading factor)."""
    fsk: tuple[int, int] | None = None
    """(frequency, bit/s)."""

    @property
    def spans(self) -> list[tuple[int, int]]:
        """(lowest, highest) frequency of each channel, in order."""
        half = MULTI_SF_BANDWIDTH_HZ // 2
        spans = [(channel - half, channel + half) for channel in self.multi]
        if self.service is not None:
            spans.append((self.service[0] - self.service[1] // 2, self.service[0] + self.service[1] // 2))
        if self.fsk is not None:
            spans.append((self.fsk[0] - FSK_BANDWIDTH_HZ // 2, self.fsk[0] + FSK_BANDWIDTH_HZ // 2))
        return sorted(spans)


def plan_of(settings: Settings) -> RadioPlan:
    """Return what a concentrator with these settings listens to."""

    def frequency(channel: Channel) -> int:
        radio = settings.radios[channel.rf_chain]
        return (0 if radio is None else radio.frequency_hz) + channel.if_hz

    service, fsk = settings.service, settings.fsk
    return RadioPlan(
        multi=frozenset(frequency(channel) for channel in settings.channels if channel is not None),
        service=None
        if service is None
        else (frequency(service.channel), service.channel.bandwidth_hz, service.sf),
        fsk=None if fsk is None else (frequency(fsk.channel), fsk.bitrate_bps),
    )


def difference(ours: RadioPlan, theirs: RadioPlan) -> tuple[Reason, ...]:
    """Return how a server's plan differs from ours; empty when it does not.

    >>> [str(one) for one in difference(
    ...     RadioPlan(multi=frozenset({868100000})), RadioPlan(multi=frozenset({868300000})))]
    ['more: 868.3 MHz', 'less: 868.1 MHz']
    """
    more, less = theirs.multi - ours.multi, ours.multi - theirs.multi
    parts = [reasons.plan.more(channels=_channels(more))] if more else []
    parts += [reasons.plan.less(channels=_channels(less))] if less else []
    if theirs.service is not None and theirs.service != ours.service:
        frequency_hz, bandwidth_hz, sf = theirs.service
        service = reasons.plan.service(
            sf=sf, bandwidth_khz=bandwidth_hz // 1000, frequency_mhz=frequency_hz / 1e6
        )
        parts.append(service)
    if theirs.fsk is not None and theirs.fsk != ours.fsk:
        parts.append(reasons.plan.fsk(frequency_mhz=theirs.fsk[0] / 1e6))
    return tuple(parts)


def retuned(settings: Settings, plan: RadioPlan) -> Settings:
    """Return settings that listen to a plan: two radios of 1.6 MHz each, moved where it needs them.

    Raises:
        PlanError: no channel, more than the chip has, outside the band, or too far apart for two radios.
    """
    if not plan.multi:
        raise PlanError(reasons.plan.no_channel())
    if len(plan.multi) > MULTI_SF_CHANNELS:
        why = reasons.plan.too_many(channels=len(plan.multi), limit_channels=MULTI_SF_CHANNELS)
        raise PlanError(why)
    centres = _centres(plan.spans)
    first, second = settings.radios
    if first is None or second is None:
        raise PlanError(reasons.plan.single_radio())
    for low, high in plan.spans:
        for radio in (first, second):
            if (
                radio.tx_range_hz is not None
                and not radio.tx_range_hz[0] <= low < high <= radio.tx_range_hz[1]
            ):
                raise PlanError(reasons.plan.out_of_band(frequency_mhz=(low + high) / 2e6))
    try:
        return _built(settings, plan, (_moved(first, centres[0]), _moved(second, centres[-1])))
    except OurMistake as error:
        raise PlanError(reasons.radio.request_refused(detail=str(error))) from error


def _built(settings: Settings, plan: RadioPlan, radios: tuple[Radio, Radio]) -> Settings:
    def channel(frequency_hz: int, bandwidth_hz: int = MULTI_SF_BANDWIDTH_HZ) -> Channel:
        offsets = [frequency_hz - radio.frequency_hz for radio in radios]
        chain = min((0, 1), key=lambda index: abs(offsets[index]))
        return Channel(rf_chain=chain, if_hz=offsets[chain], bandwidth_hz=bandwidth_hz)

    multi: list[Channel | None] = [channel(frequency_hz) for frequency_hz in sorted(plan.multi)]
    multi += [None] * (MULTI_SF_CHANNELS - len(multi))
    service, fsk = plan.service, plan.fsk
    return replace(
        settings,
        radios=radios,
        channels=tuple(multi),
        service=None if service is None else LoraService(channel=channel(*service[:2]), sf=service[2]),
        fsk=None if fsk is None else FskModem(channel=channel(fsk[0]), bitrate_bps=fsk[1]),
    )


def _centres(spans: list[tuple[int, int]]) -> list[int]:
    """Return the centres of at most two radios that hear every span."""
    low = spans[0][0]
    near = [span for span in spans if span[1] - low <= RADIO_BANDWIDTH_HZ]
    far = [span for span in spans if span not in near]
    groups = [near, far] if far else [near]
    centres = []
    for group in groups:
        bottom, top = min(span[0] for span in group), max(span[1] for span in group)
        if top - bottom > RADIO_BANDWIDTH_HZ:
            raise PlanError(reasons.plan.too_far_apart(bandwidth_mhz=RADIO_BANDWIDTH_HZ / 1e6))
        centres.append((bottom + top) // 2)
    return centres


def _moved(radio: Radio, centre_hz: int) -> Radio:
    return replace(radio, frequency_hz=Hz(centre_hz))


def _channels(frequencies_hz: Iterable[int]) -> tuple[Reason, ...]:
    return tuple(reasons.plan.channel(frequency_mhz=hz / 1e6) for hz in sorted(frequencies_hz))
