"""What the READMEs of the fleet and the documents at the root state is true today: looked up in the code."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import demo.cli
from agent.wire.configuration import Intervals
from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
from fleet.facts.settings import DEFAULTS
from fleet.identity.authority import GATEWAY_DAYS
from fleet.identity.sessions import SESSION_LIFE_US
from fleet.identity.tokens import LIFE_LIMIT_DAYS
from fleet.incidents.correlate import TOGETHER_US
from fleet.incidents.policy import GROUP_WAIT_LIMIT_US, GROUP_WAIT_US
from fleet.incidents.rules import LEFT_BEHIND_US, REOPEN_WINDOW_US, STABLE_US
from fleet.notify import watchman
from fleet.notify.timing import NEEDED_US, QUIET_FROM, QUIET_UNTIL
from fleet.oncall.gaps import AHEAD_DAYS
from fleet.oncall.planning import LOOK_AHEAD_DAYS
from fleet.paging.plan_gaps import LOOK_AT
from fleet.retention import Retention
from fleet.tickets.clocks import INTERVENTION_LIMIT_US, RESOLUTION_LIMIT_US
from fleet.tickets.model import Criticality
from tests import check, readmes
from tests.readmes import ROOT
from tests.suite_ends import TEST_LIMIT_S

ELSEWHERE = frozenset({"FORWARDED_ALLOW_IPS"})
"""Names of others."""
PAGES = [
    page
    for page in readmes.readmes()
    if page.is_relative_to(ROOT / "fleet") or page.parent in (ROOT, ROOT / "docs")
]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_and_modules_that_are_named_exist(page: Path) -> None:
    assert readmes.missing_links(page) + readmes.missing_files(page) + readmes.missing_modules(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_constants_that_are_named_exist_and_have_the_value_that_is_told(page: Path) -> None:
    assert [each for each in readmes.wrong_constants(page) if each.split("`")[1] not in ELSEWHERE] == []


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((ROOT / "docs").glob("*.md")), ROOT / "CHANGELOG.md"], ids=name
)
def test_commands_that_are_shown_are_accepted(page: Path) -> None:
    assert readmes.refused_commands(page) == []


def test_every_room_of_the_fleet_has_a_readme_and_stands_in_the_table() -> None:
    table = (ROOT / "fleet/README.md").read_text(encoding="utf-8").partition("## Where things are")[2]
    stated = set(re.findall(r"`([a-z_]+)(?:\.py)?`", table.partition("\n## ")[0]))
    rooms = {path.parent.name for path in (ROOT / "fleet").glob("*/__init__.py")}
    files = {path.stem for path in (ROOT / "fleet").glob("[a-z]*.py")}
    assert stated == rooms | files
    assert {room for room in rooms if not (ROOT / "fleet" / room / "README.md").exists()} == set()


def test_every_test_that_a_readme_names_exists() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    stems = {path.stem for path in (ROOT / "tests").rglob("*.py")}
    for page in PAGES:
        named = re.findall(r"`(?:[\w/]+\.)?(test_\w+)`", page.read_text(encoding="utf-8"))
        assert [one for one in named if f"def {one}(" not in tests and one not in stems] == [], name(page)


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("| `sheet.LINES_LIMIT` | 100,000 lines | x |", 0),
        ("| `sheet.LINES_LIMIT` | 100,001 lines | x |", 1),
        ("| `sheet.LINES_LIMITS` | 100,000 lines | x |", 1),
        ("| `fleet.notify.timing.LIFE_US` | 48 h | x |", 0),
        ("| `fleet.notify.timing.LIFE_US` | 2 days | x |", 0),
        ("| `fleet.notify.timing.LIFE_US` | 47 h | x |", 1),
        ("see `sheet.py` and `store.load_registry`", 0),
        ("see `sheets_of.py`", 1),
        ("see `fleet.registry.store` and `fleet.registry.store.load_registry`", 0),
        ("see `fleet.registry.shop`", 1),
        ("`passerelle fleet import --data DIR FILE`", 0),
        ("`passerelle fleet import --date DIR FILE`", 1),
        ("`passerelle fleet token list|revoke`", 0),
        ("`passerelle fleet tokens`", 1),
        ("[x](store.py) [y](https://example.org)", 0),
        ("[x](shop.py)", 1),
    ],
)
def test_a_statement_that_is_false_would_be_found(tmp_path: Path, text: str, complaints: int) -> None:
    page = ROOT / "fleet/registry/README.md"
    found = readmes.complaints(page, text)
    assert len(found) == complaints, found


def hours(criticality: Criticality) -> int:
    return RESOLUTION_LIMIT_US[criticality] // HOUR_US


def seconds(us: int) -> str:
    return f"{us // SECOND_US} s"


FIGURES = {
    "README.md": (
        f"promised {DEFAULTS.objective_global_ppm / 1e4:.2f} % availability overall",
        f"{DEFAULTS.objective_commune_ppm / 1e4:.1f} % in each commune",
        f"every {Intervals().heartbeat_s} s, MQTT over mutual TLS",
        f"heartbeat | the message that a gateway sends every {Intervals().heartbeat_s} s",
        f"{seconds(DEFAULTS.silence_confirmed_us)} after the last proof of life",
        {10 * 60: "fails after ten minutes"}[int(TEST_LIMIT_S)],
        f"telemetry shows service again, {hours(Criticality.CRITICAL)} or {hours(Criticality.MINOR)} h",
    ),
    "fleet/identity/README.md": (
        f"a session {SESSION_LIFE_US // HOUR_US} h, a token at most {LIFE_LIMIT_DAYS} days",
        f"authority ({GATEWAY_DAYS} days)",
    ),
    "fleet/evidence/README.md": (
        f"addresses {Retention().heard_days} (`heard_days`), audit log {Retention().audit_days}, "
        f"events {Retention().notes_days}, broker",
        f"sessions {Retention().presence_days}, health details {Retention().vitals_hours_days} by the hour "
        f"and {Retention().vitals_days} by the day",
    ),
    "fleet/oncall/README.md": (
        f"every morning at {LOOK_AT:%-H:%M}, {AHEAD_DAYS} days ahead",
        f"Holes are looked for {LOOK_AHEAD_DAYS} days ahead",
    ),
    "fleet/notify/README.md": (
        f"Quiet hours are {QUIET_FROM:%H:%M} to {QUIET_UNTIL:%H:%M} of Paris",
        f"not past {NEEDED_US // HOUR_US} h before their deadline",
        f"{watchman.SILENCE_LIMIT_US // MINUTE_US} min without a running cycle",
        f"a test page every day at {watchman.TEST_AT:%H:%M}",
    ),
    "fleet/tickets/README.md": (
        f"| intervention, {INTERVENTION_LIMIT_US // HOUR_US} h |",
        f"| resolution, {hours(Criticality.CRITICAL)} h CRITICAL, else {hours(Criticality.MAJOR)} h |",
    ),
    "fleet/incidents/README.md": (
        f"`silence_confirmed_us` ({seconds(DEFAULTS.silence_confirmed_us)})",
        f"first message after {seconds(GROUP_WAIT_US)} of calm, {seconds(GROUP_WAIT_LIMIT_US)} at most",
        f"within {TOGETHER_US // MINUTE_US} min of the others",
        f"{LEFT_BEHIND_US // MINUTE_US} min after most are back",
        f"all members serve for {seconds(STABLE_US)} and none flaps",
        f"lost again within {REOPEN_WINDOW_US // MINUTE_US} min",
    ),
}
"""Sentences with a figure in them, made from the code."""


@pytest.mark.parametrize(("page", "stated"), [(page, one) for page, all_ in FIGURES.items() for one in all_])
def test_a_figure_in_a_sentence_is_the_figure_of_the_code(page: str, stated: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert " ".join(stated.split()) in text


def test_the_demo_has_the_options_that_the_readme_shows() -> None:
    shown = set(
        re.findall(
            r"--[a-z]+", " ".join(re.findall(r'DEMO_ARGS="([^"]+)"', (ROOT / "README.md").read_text()))
        )
    )
    known = {option for parameter in get_command(demo.cli.app).params for option in parameter.opts}
    assert shown == {"--frames", "--speed", "--headless", "--gateways"}
    assert shown <= known


def test_the_readme_says_what_a_check_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    words = {"format": "format", "lint": "lint", "types": "strict types", "imports": "import contracts"}
    words |= {"codes": "codes of reasons", "tidy": "house rules"}
    stated = text.partition("`make check` (")[2].partition(")")[0].split(", ")
    assert [words[key] for key, _ in check.CHECKS] == stated
