import json
from pathlib import Path

import pytest

from fleet.notify.watchman import STUCK_LIMIT_US, Finding, Page, Watch, find, step
from fleet.notify.watchman_process import Watchman
from tests.stories.world import MINUTE, SECOND, Clock, paris
from tests.unit.fleet.notify.servers import serving

NOON = paris("2026-11-22 12:00:00")
DONE = "2026-11-22"


@pytest.mark.parametrize(
    ("watch", "finding", "sent", "after"),
    [
        (Watch(alive_at_us=NOON - 3 * MINUTE + 1, tested_on=DONE), Finding.SILENT, (), None),
        (Watch(alive_at_us=NOON - 3 * MINUTE, tested_on=DONE), Finding.SILENT, ("watchman.silent",), NOON),
        (
            Watch(alive_at_us=NOON - 40 * MINUTE, paged_at_us=NOON - 30 * MINUTE + 1, tested_on=DONE),
            Finding.SILENT,
            (),
            NOON - 30 * MINUTE + 1,
        ),
        (
            Watch(alive_at_us=NOON - 40 * MINUTE, paged_at_us=NOON - 30 * MINUTE, tested_on=DONE),
            Finding.SILENT,
            ("watchman.silent",),
            NOON,
        ),
        (
            Watch(alive_at_us=NOON - 9 * MINUTE, paged_at_us=NOON - MINUTE, tested_on=DONE),
            Finding.ALIVE,
            ("watchman.back",),
            None,
        ),
        (
            Watch(alive_at_us=NOON - 3 * MINUTE, tested_on=DONE),
            Finding.STUCK,
            ("watchman.stuck",),
            NOON,
        ),
        (Watch(alive_at_us=NOON, tested_on="2026-11-21"), Finding.ALIVE, ("watchman.test",), None),
        (Watch(alive_at_us=NOON, tested_on=DONE), Finding.ALIVE, (), None),
    ],
)
def test_the_whole_table(watch: Watch, finding: Finding, sent: tuple[str, ...], after: int | None) -> None:
    new, pages = step(watch, finding, NOON)
    assert tuple(page.key for page in pages) == sent
    assert new.paged_at_us == after
    assert new.alive_at_us == (NOON if finding is Finding.ALIVE else watch.alive_at_us)


def test_no_test_page_before_ten() -> None:
    morning = paris("2026-11-22 09:59:59")
    assert step(Watch(alive_at_us=morning), Finding.ALIVE, morning)[1] == ()
    assert step(Watch(alive_at_us=morning), Finding.ALIVE, morning + SECOND)[1] == (
        Page(key="watchman.test", since_us=morning + SECOND),
    )


@pytest.mark.parametrize(
    ("answered", "cycle_us", "stuck_us", "finding"),
    [
        (True, NOON - MINUTE + 1, None, Finding.ALIVE),
        (True, NOON - MINUTE, None, Finding.SILENT),
        (True, None, None, Finding.SILENT),
        (False, NOON, None, Finding.SILENT),
        (True, NOON, NOON - STUCK_LIMIT_US + 1, Finding.ALIVE),
        (True, NOON, NOON - STUCK_LIMIT_US, Finding.STUCK),
    ],
)
def test_what_an_answer_proves(
    answered: bool, cycle_us: int | None, stuck_us: int | None, finding: Finding
) -> None:
    found = find(answered=answered, last_cycle_us=cycle_us, stuck_since_us=stuck_us, now_us=NOON)
    assert found is finding


def test_it_pages_by_its_own_path_once_and_remembers_over_a_restart(tmp_path: Path) -> None:
    clock, state = Clock(NOON), tmp_path / "watch.json"
    with serving(lambda _: (200, {"ids": [1]})) as sms, serving(lambda _: (503, {})) as manager:

        def made() -> Watchman:
            url = f"{manager.url}/healthz"
            return Watchman(url=url, state=state, phones=("+336",), sms_url=sms.url, clock=clock)

        made().round()
        clock.at_us += 4 * MINUTE
        made().round()
        clock.at_us += MINUTE
        made().round()
        assert len(sms.seen) == 1
        assert "ne répond plus depuis 12:00" in sms.seen[0].json["message"]
        manager.answer = lambda _: (200, {"last_cycle_at_us": clock.at_us})
        made().round()
    assert [("de nouveau" in one.json["message"]) for one in sms.seen] == [False, True, False]
    assert json.loads(state.read_text())["watch"]["paged_at_us"] is None


def test_a_damaged_memory_begins_anew(tmp_path: Path) -> None:
    state = tmp_path / "watch.json"
    state.write_text("{")
    with serving(lambda _: (200, b"nonsense")) as server:
        watchman = Watchman(
            url=server.url, state=state, phones=("+336",), sms_url=server.url, clock=Clock(NOON)
        )
        assert watchman.round() == 0


def test_pages_wait_for_an_sms_path_that_is_down_and_are_bounded(tmp_path: Path) -> None:
    clock = Clock(NOON)
    with serving(lambda _: (503, b"")) as server:
        watchman = Watchman(
            url=server.url,
            state=tmp_path / "w",
            phones=("+336", "+337", "+338", "+339"),
            sms_url=server.url,
            clock=clock,
        )
        for _ in range(6):
            clock.at_us += 30 * MINUTE
            waiting = watchman.round()
    assert waiting == 20


def test_a_page_that_could_not_leave_outlives_a_restart(tmp_path: Path) -> None:
    clock, state = Clock(NOON), tmp_path / "w"
    with serving(lambda _: (503, b"")) as server:

        def made() -> Watchman:
            return Watchman(url=server.url, state=state, phones=("+336",), sms_url=server.url, clock=clock)

        made().round()
        clock.at_us += 4 * MINUTE
        assert made().round() == 1
        clock.at_us += MINUTE
        server.answer = lambda seen: (200, {"ids": [1]}) if seen.method == "POST" else (503, {})
        assert made().round() == 0
        told = [one.json["message"] for one in server.seen if one.method == "POST"]
    assert "ne répond plus depuis" in told[-1]
