"""``passerelle hal compare --reference LIBLORAGW.so``: our driver beside a libloragw that the user built.

Both go through the same random configurations, receptions and transmissions, LBT among them, on the same
virtual chip; what differs is printed field by field.  ``--record`` keeps what the reference did.
"""

import shutil
import subprocess
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from hal.compare.differences import Difference, differences
from hal.compare.named import named, of_file
from hal.compare.recording import Recording, Run, run_of, write
from hal.compare.run import Observed, observe
from hal.compare.scenario import Scenario, draw
from hal.compare.sides import OurSide, ReferenceSide, Side
from hal.errors import HalError, OurMistake
from hal.linux.clock import SystemClock
from hal.tools.words import words
from hal.twin.chip import VirtualChip

COMPILE_LIMIT_S = 60
SHOWN_LIMIT = 200
"""Lines of unknown differences printed; beyond it they are counted."""


def run(options: Namespace) -> int:
    """Compare; 0 when every difference is known, 1 otherwise."""
    if not options.reference.exists():
        where = str(options.reference)
        raise OurMistake("is not there; build libloragw as a shared library", where=where)
    text, clock = words(options.lang), SystemClock()
    began_us = clock.monotonic_us()
    known: Counter[str] = Counter()
    runs: list[Run] = []
    count = unknown = 0
    with tempfile.TemporaryDirectory() as folder:
        reference = partial(
            ReferenceSide, library=options.reference.resolve(), preload=_preload(Path(folder))
        )
        for scenario in scenarios(options):
            found, observed = _one(scenario, partial(reference, folder=Path(folder)))
            runs.append(run_of(scenario, observed))
            count += 1
            known.update(each.reason for each in found if each.reason)
            for each in (each for each in found if not each.reason):
                unknown += 1
                if unknown <= SHOWN_LIMIT:
                    print(f"{scenario.name} {each}", flush=True)
    for reason, times in known.most_common():
        print(text["compare_known"].format(count=times, reason=reason))
    seconds = (clock.monotonic_us() - began_us) / 1_000_000
    print(text["compare_end"].format(count=count, unknown=unknown, seconds=seconds))
    if options.record is not None:
        write(options.record, Recording(source=options.source, runs=tuple(runs)))
    return 1 if unknown else 0


def scenarios(options: Namespace) -> Iterator[Scenario]:
    """Yield those with a name, those of the files given, and as many drawn ones as were asked for."""
    yield from named().values()
    for path in options.files:
        yield of_file(path)
    for index in range(options.configurations):
        yield draw(options.seed, index)


def _one(scenario: Scenario, reference: Callable[..., Side]) -> tuple[list[Difference], Observed]:
    def side(make: Callable[..., Side], chip: VirtualChip) -> Side:
        return make(chip, scenario.settings)

    try:
        ours = observe(scenario, partial(side, OurSide))
        theirs = observe(scenario, partial(side, reference))
    except HalError as error:
        return [Difference(where="run", ours=str(error), reference="")], Observed()
    return differences(ours, theirs, scenario), theirs


def _preload(folder: Path) -> Path:
    """Return the twin's preload library, compiled here.

    Raises:
        OurMistake: no C compiler, or it fails.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise OurMistake("no C compiler (cc), which the twin's preload library needs", where="compare")
    built = folder / "twin_preload.so"
    with as_file(files("hal.twin.preload").joinpath("twin_preload.c")) as source:
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(source), "-ldl", "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMPILE_LIMIT_S)
    if done.returncode:
        raise OurMistake(f"the preload library does not compile: {done.stderr[-200:]}", where="compare")
    return built
