import json
from pathlib import Path

import pytest

from fleet.notify.watchman import CRASHES_LIMIT, STUCK_LIMIT_US, Finding, Page, Watch, find, step
from fleet.notify.watchman_process import Watchman
from tests.stories.world import MINUTE, SECOND, Clock, paris
from tests.unit.fleet.founded import StandingClock
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


def test_a_manager_that_keeps_ending_is_not_relied_on() -> None:
    alive = {"answered": True, "cycle_age_us": SECOND, "stuck_for_us": None}
    assert find(**alive, crashes_1h=CRASHES_LIMIT - 1) is Finding.ALIVE
    assert find(**alive, crashes_1h=CRASHES_LIMIT) is Finding.RESTARTING
    assert find(answered=False, cycle_age_us=None, stuck_for_us=None, crashes_1h=3) is Finding.RESTARTING
    watch = Watch(alive_at_us=NOON - 3 * MINUTE, tested_on=DONE)
    assert [page.key for page in step(watch, Finding.RESTARTING, NOON)[1]] == ["watchman.restarting"]


def test_no_test_page_before_ten() -> None:
    morning = paris("2026-11-22 09:59:59")
    assert step(Watch(alive_at_us=morning), Finding.ALIVE, morning)[1] == ()
    assert step(Watch(alive_at_us=morning), Finding.ALIVE, morning + SECOND)[1] == (
        Page(key="watchman.test", since_us=morning + SECOND),
    )


@pytest.mark.parametrize(
    ("answered", "age_us", "stuck_us", "finding"),
    [
        (True, MINUTE - 1, None, Finding.ALIVE),
        (True, MINUTE, None, Finding.SILENT),
        (True, -1, None, Finding.SILENT),
        (True, None, None, Finding.SILENT),
        (False, 0, None, Finding.SILENT),
        (True, 0, STUCK_LIMIT_US - 1, Finding.ALIVE),
        (True, 0, STUCK_LIMIT_US, Finding.STUCK),
    ],
)
def test_what_an_answer_proves(
    answered: bool, age_us: int | None, stuck_us: int | None, finding: Finding
) -> None:
    assert find(answered=answered, cycle_age_us=age_us, stuck_for_us=stuck_us) is finding


@pytest.mark.parametrize("step_us", [-365 * 24 * 60 * MINUTE, -60 * MINUTE, 60 * MINUTE])
def test_a_clock_of_this_host_that_steps_hides_no_silence_and_makes_none(
    tmp_path: Path, step_us: int
) -> None:
    clock = StandingClock(NOON)
    with serving(lambda _: (200, {"ids": [1]})) as sms, serving(lambda _: (503, {})) as manager:
        url = f"{manager.url}/healthz"
        watchman = Watchman(url=url, state=tmp_path / "w", phones=("+336",), sms_url=sms.url, clock=clock)
        clock.now += 2 * MINUTE
        clock.step(step_us)
        watchman.round()
        assert len(sms.seen) == 0
        clock.now += MINUTE
        watchman.round()
        assert len(sms.seen) == 1


def test_a_memory_from_the_future_hides_no_silence(tmp_path: Path) -> None:
    clock, state = StandingClock(NOON), tmp_path / "w"
    with serving(lambda _: (200, {"ids": [1]})) as sms, serving(lambda _: (503, {})) as manager:

        def made() -> Watchman:
            url = f"{manager.url}/healthz"
            return Watchman(url=url, state=state, phones=("+336",), sms_url=sms.url, clock=clock)

        made().round()
        clock.step(-60 * MINUTE)
        watchman = made()
        clock.now += 3 * MINUTE
        watchman.round()
        assert len(sms.seen) == 1


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
        manager.answer = lambda _: (200, {"last_cycle_age_us": 0})
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
