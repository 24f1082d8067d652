"""``passerelle hal spectrum``: what the SX1261 hears across a band, in the terminal and as a PNG."""

import json
from argparse import Namespace
from pathlib import Path

from hal.errors import OurMistake
from hal.packets import Spectrum
from hal.tools.opening import has_sx1261, opened
from hal.tools.picture import floor_dbm, line, png
from hal.tools.words import words
from hal.units import Hz

FREQUENCIES_LIMIT = 512


def run(options: Namespace) -> int:
    """Scan, print one line per frequency, write the picture."""
    frequencies = _frequencies(options)
    text = words(options.lang)
    spectra: list[Spectrum] = []
    with opened(options, with_sx1261=True) as (concentrator, choice):
        if concentrator.settings.sx1261 is None:
            has = has_sx1261(options.bus or choice.board.bus, choice)
            reason = "the SX1261's patch was not imported" if has else "has no SX1261: it cannot scan"
            raise OurMistake(reason, where=choice.board.name)
        concentrator.start()
        for frequency_hz in frequencies:
            spectrum = concentrator.spectral_scan(frequency_hz, options.scans)
            spectra.append(spectrum)
            print(_shown(spectrum, text, as_json=options.json), flush=True)
    if options.png is not None:
        _save(options.png, png(spectra))
        if not options.json:
            print(text["picture_saved"].format(path=options.png))
    return 0


def _frequencies(options: Namespace) -> list[Hz]:
    start, stop, step = (round(value * 1e6) for value in (options.start, options.stop, options.step))
    if step <= 0 or stop < start:
        raise OurMistake(f"{options.start}..{options.stop} in steps of {options.step} MHz", where="spectrum")
    frequencies = [Hz(frequency) for frequency in range(start, stop + 1, step)]
    if len(frequencies) > FREQUENCIES_LIMIT:
        raise OurMistake(f"{len(frequencies)} frequencies, at most {FREQUENCIES_LIMIT}", where="spectrum")
    return frequencies


def _shown(spectrum: Spectrum, text: dict[str, str], *, as_json: bool) -> str:
    floor = floor_dbm(spectrum)
    if as_json:
        levels, counts = list(spectrum.levels_dbm), list(spectrum.counts)
        return json.dumps(
            {
                "frequency_hz": spectrum.frequency_hz,
                "floor_dbm": floor,
                "levels_dbm": levels,
                "counts": counts,
            }
        )
    return text["spectrum"].format(
        frequency=spectrum.frequency_hz / 1e6,
        floor=float("nan") if floor is None else floor,
        picture=line(spectrum),
    )


def _save(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OurMistake(f"cannot be written: {error.strerror}", where=str(path)) from error
