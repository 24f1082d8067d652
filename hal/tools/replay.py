"""``passerelle hal transcript GOLDEN.json``: our bus traffic for a recorded configuration.

The transcript goes to standard output; whether it is the same as the reference to standard error.
"""

import sys
from argparse import Namespace

from hal.tools.opening import load_images
from hal.tools.words import words
from hal.transcript.compare import differences
from hal.transcript.golden import read_golden
from hal.transcript.packet_lines import line
from hal.transcript.runner import Replayed, replay

DIFFERENCES_SHOWN = 20


def run(options: Namespace) -> int:
    """Print the transcript; 0 when all is as the golden file says, 1 otherwise."""
    golden = read_golden(options.golden)
    images = None if options.images is None else load_images(options.images)
    phases = []
    for phase in replay(golden, images):
        print("\n".join(lines(phase)), flush=True)
        phases.append(phase)
    found = differences(golden, phases, exact=images is not None)
    text = words(options.lang)
    for difference in found[:DIFFERENCES_SHOWN]:
        print(difference, file=sys.stderr)
    verdict = text["differs" if found else "same"].format(name=options.golden.name, count=len(found))
    print(verdict, file=sys.stderr)
    return 1 if found else 0


def lines(phase: Replayed) -> list[str]:
    """Return what is printed for one phase."""
    printed = [f"## {phase.name}", *phase.lines, *(line(row) for row in phase.packets)]
    if phase.refused:
        printed.append(f"# refused: {phase.refused}")
    if phase.result:
        printed.append(f"# {phase.result.removeprefix('# ')}")
    return printed
