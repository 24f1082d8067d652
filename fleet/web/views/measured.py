"""The pictures of a gateway's page: frames against its past, noise, CRC, round trip, warmth, store; pure."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Final

from fleet.airtime.pictures import FSK, Picture, Traffic, added
from fleet.airtime.spans import Heard
from fleet.availability.timeline import Timeline
from fleet.evidence.vitals import Sums
from fleet.web.rendering import Words
from fleet.web.views.curves import Curve, Series, Steps, curve_of
from fleet.web.views.timeline import Span

PAST_LEAST: Final = 3
"""Values of the past before it is shown: fewer are no habit."""
OF_VITALS: Final = (("rtt", "backhaul_rtt_ms", True), ("temperature", "temperature_c", False))
SHADES: Final = 6


def outages_of(line: Timeline | None, until_us: int) -> list[Span]:
    """Return the states of a timeline, for what stands behind each picture."""
    if line is None:
        return []
    return [
        Span(
            from_us=span.start_us,
            until_us=max(span.end_us, until_us) if span.end_us == line.end_us else span.end_us,
            state=span.state,
        )
        for span in line.spans
    ]


def curves(
    words: Words,
    steps: Steps,
    *,
    heard: Sequence[Heard],
    rhythm_us: int,
    vitals: Mapping[int, Sums],
    outages: Sequence[Span],
) -> list[Curve]:
    """Return every picture; one without a value says so where it stands."""
    by_step = _by_step(heard, steps.step_us)
    inside = {at_us: found for at_us, found in by_step.items() if at_us >= steps.starts.start}
    pictures = [
        _frames(words, steps, inside, _past(steps, by_step, rhythm_us), outages),
        _noise(words, steps, inside, outages),
        _crc(words, steps, inside, outages),
    ]
    for key, name, from_zero in OF_VITALS:
        pictures.append(_vital(words, steps, vitals, (key, name), outages, from_zero=from_zero))
    return [*pictures, _spool(words, steps, vitals, outages)]


def _by_step(heard: Iterable[Heard], step_us: int) -> dict[int, list[Picture]]:
    """Return what came by the step in whose midst it came."""
    found: dict[int, list[Picture]] = {}
    for one in heard:
        middle_us = (one.from_us + one.until_us) // 2
        found.setdefault(middle_us // step_us * step_us, []).append(one.picture)
    return found


def _total(pictures: Iterable[Picture]) -> Traffic:
    return added(one.total() for one in pictures)


def _frames(
    words: Words,
    steps: Steps,
    inside: Mapping[int, list[Picture]],
    usual: Mapping[int, float],
    outages: Sequence[Span],
) -> Curve:
    counted = {at_us: _sum_by_sf(pictures) for at_us, pictures in inside.items()}
    sfs = sorted({sf for counts in counted.values() for sf in counts}, key=lambda sf: sf or 99)
    series = [
        Series(
            name="FSK" if sf == FSK else f"SF{sf}",
            values={at_us: float(counts.get(sf, 0)) for at_us, counts in counted.items()},
            kind="bar",
            rank=index % SHADES,
        )
        for index, sf in enumerate(sfs)
    ]
    if inside and not series:
        series = [Series(name=words.t("curve.frames.none"), values=dict.fromkeys(inside, 0.0), kind="bar")]
    if usual:
        series.append(Series(name=words.t("curve.past"), values=usual, kind="past"))
    return curve_of("frames", steps, series, lang=words.lang, outages=outages)


def _sum_by_sf(pictures: Iterable[Picture]) -> dict[int, int]:
    found: dict[int, int] = {}
    for picture in pictures:
        for sf, frames in picture.by_sf().items():
            found[sf] = found.get(sf, 0) + frames
    return found


def _past(steps: Steps, by_step: Mapping[int, list[Picture]], rhythm_us: int) -> dict[int, float]:
    """Return what the own past lets expect of each step: the mean of that hour, or day, before the window."""
    before: dict[int, list[int]] = {}
    for at_us, pictures in by_step.items():
        if at_us < steps.starts.start:
            before.setdefault(at_us % rhythm_us, []).append(_total(pictures).frames)
    return {
        at_us: mean(known)
        for at_us in steps.starts
        if len(known := before.get(at_us % rhythm_us, [])) >= PAST_LEAST
    }


def _noise(words: Words, steps: Steps, inside: Mapping[int, list[Picture]], outages: Sequence[Span]) -> Curve:
    floors: dict[int, dict[int, float]] = {}
    for at_us, pictures in inside.items():
        for channel, dbm in pictures[-1].noise_dbm.items():
            floors.setdefault(channel, {})[at_us] = dbm
    loudest = max(floors, key=lambda channel: mean(floors[channel].values()), default=None)
    series = [
        Series(
            name=words.t("curve.channel", mhz=words.number(channel / 1e6, 1)),
            values=values,
            kind="loud" if channel == loudest else "line",
        )
        for channel, values in sorted(floors.items())
    ]
    return curve_of("noise", steps, series, lang=words.lang, outages=outages, decimals=1, from_zero=False)


def _crc(words: Words, steps: Steps, inside: Mapping[int, list[Picture]], outages: Sequence[Span]) -> Curve:
    totals = {at_us: _total(pictures) for at_us, pictures in inside.items()}
    shares = {at_us: 100 * one.crc_failed / one.frames for at_us, one in totals.items() if one.frames}
    series = [Series(name=words.t("curve.crc.share"), values=shares, kind="loud")] if shares else []
    return curve_of("crc", steps, series, lang=words.lang, outages=outages, decimals=1)


def _vital(
    words: Words,
    steps: Steps,
    vitals: Mapping[int, Sums],
    names: tuple[str, str],
    outages: Sequence[Span],
    *,
    from_zero: bool,
) -> Curve:
    key, name = names
    found = {at_us: sums[name] for at_us, sums in vitals.items() if name in sums}
    means = {at_us: total / count for at_us, (count, total, _, _) in found.items()}
    lows = {at_us: float(one[2]) for at_us, one in found.items()}
    highs = {at_us: float(one[3]) for at_us, one in found.items()}
    series = [
        Series(name=words.t("curve.mean"), values=means, kind="loud"),
        Series(name=words.t("curve.low"), values=lows, kind="edge"),
        Series(name=words.t("curve.high"), values=highs, kind="edge"),
    ]
    return curve_of(
        key,
        steps,
        series if found else [],
        lang=words.lang,
        outages=outages,
        band=(lows, highs),
        from_zero=from_zero,
    )


def _spool(words: Words, steps: Steps, vitals: Mapping[int, Sums], outages: Sequence[Span]) -> Curve:
    most = {
        at_us: float(sums["spool_records"][3]) for at_us, sums in vitals.items() if "spool_records" in sums
    }
    series = [Series(name=words.t("curve.most"), values=most, kind="loud")] if most else []
    return curve_of("spool", steps, series, lang=words.lang, outages=outages)
