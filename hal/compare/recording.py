"""What a reference did, kept as facts: so that a machine without its library can compare as well.

One gzipped JSON file for each recording.  A scenario that was drawn is drawn again by its name; one with a
name comes from ``hal.compare.named``; of a file of Semtech's the settings are kept.
"""

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from hal.compare.named import named
from hal.compare.run import Observed
from hal.compare.scenario import Scenario, draw
from hal.errors import OurMistake
from hal.settings import Settings
from hal.twin.facts import MODEL_SX1302

FILE_LIMIT_BYTES = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One scenario, and what the reference did in it."""

    name: str
    observed: Observed
    settings: Settings | None = None
    """A start-up from a file keeps its settings; None where the name says all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run of a reference through many scenarios."""

    source: str
    runs: tuple[Run, ...]


def run_of(scenario: Scenario, observed: Observed) -> Run:
    """Return what is kept of one scenario."""
    by_name = scenario.name in named() or "/" in scenario.name
    changed = {at: value for at, value in observed.left.items() if observed.registers.get(at) != value}
    changed |= dict.fromkeys(observed.registers.keys() - observed.left.keys(), 0)
    kept = replace(observed, left=changed)
    return Run(name=scenario.name, observed=kept, settings=None if by_name else scenario.settings)


def scenario_of(run: Run) -> Scenario:
    """Return the scenario again."""
    if run.settings is not None:
        return Scenario(name=run.name, settings=run.settings, model=MODEL_SX1302, phases=())
    seed, drawn, index = run.name.partition("/")
    return draw(int(seed), int(index)) if drawn else named()[run.name]


def observed_of(run: Run) -> Observed:
    """Return what was observed, whole again."""
    left = run.observed.registers | run.observed.left
    return replace(run.observed, left={at: value for at, value in left.items() if value})


def write(path: Path, recording: Recording) -> None:
    """Keep a recording; the same one gives the same bytes."""
    path.write_bytes(gzip.compress(msgspec.json.encode(recording), mtime=0))


def read(path: Path) -> Recording:
    """Return the recording at ``path``.

    Raises:
        OurMistake: it cannot be read, or is none.
    """
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise OurMistake(f"larger than {FILE_LIMIT_BYTES} bytes", where=str(path))
        return msgspec.json.decode(gzip.decompress(path.read_bytes()), type=Recording)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise OurMistake(f"is no recording: {error}", where=str(path)) from error
