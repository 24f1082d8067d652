"""``passerelle hal prove``: what silicon has not proved, measured on a board, with a report.

A few minutes alone; with ``--partner``, a second concentrator within reach, also what needs to be heard.
"""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from hal.errors import OurMistake
from hal.experiments import Bench, Finding, ProofVerdict
from hal.experiments import run as experiments
from hal.open import open_concentrator
from hal.tools.opening import images_for, opened
from hal.tools.words import words

REPEATS_LIMIT = 1_000


def run(options: Namespace) -> int:
    """Measure and report; 0 when nothing is refuted."""
    if not 1 <= options.repeats <= REPEATS_LIMIT:
        raise OurMistake(f"{options.repeats} is not in 1..{REPEATS_LIMIT}", where="--repeats")
    text, findings = words(options.lang), []
    with opened(options, with_sx1261=True) as (board, choice):
        board.start()
        partner = None
        if options.partner is not None:
            images = images_for(options.partner, options.images)
            partner = open_concentrator(options.partner, options.board, images=images, plan=options.plan)
            partner.start()
        try:
            for finding in experiments(Bench(board=board, partner=partner, repeats=options.repeats)):
                findings.append(finding)
                print(line(finding, text), flush=True)
        finally:
            if partner is not None:
                partner.stop()
        about = {"board": choice.board.name, "bus": options.bus, "eui": board.eui, "version": board.version}
    if options.report is not None:
        _write(options.report, about, findings)
    return int(any(finding.verdict is ProofVerdict.REFUTED for finding in findings))


def line(finding: Finding, text: dict[str, str]) -> str:
    """Return one finding for people."""
    what = text[f"prove_{finding.name}"]
    return f"{text[finding.verdict.value]:<12}  {what}{text['colon']}{finding.detail}"


def _write(path: Path, about: dict[str, object], findings: list[Finding]) -> None:
    report = about | {"findings": [asdict(finding) for finding in findings]}
    try:
        path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OurMistake(f"cannot be written: {error.strerror}", where=str(path)) from error
