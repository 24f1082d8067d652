from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleet.availability.timeline import Span, Timeline
from fleet.db.connect import Database
from fleet.durations import DAY_US
from fleet.facts.months import month_around
from fleet.facts.states import CommuneState, GatewayState
from fleet.lang.paris import instant_us
from fleet.live.model import CommuneNow
from fleet.web.views.counts import UNIT_US, counts_of, delivered, late
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import NOW_US, deliveries_of, eui_of


@pytest.mark.parametrize(("window", "bars"), [("1h", 13), ("24h", 25), ("7j", 29), ("mois", 22)])
def test_the_window_is_filled_with_bars_and_nothing_is_lost_between_them(
    tmp_path: Path, window: str, bars: int
) -> None:
    app = make_app(tmp_path)
    database: Database = app.state.parts.database
    with closing(database), database.read() as connection:
        counts = delivered(connection, eui_of(2), window, NOW_US)
    assert len(counts.buckets) == bars
    told = sum(row["frames"] for row in deliveries_of(2))
    assert counts.total == told if window in ("7j", "mois") else counts.total < told


def test_late_frames_of_a_window_and_those_that_a_member_of_the_same_commune_delivered(
    tmp_path: Path,
) -> None:
    app = make_app(tmp_path)
    database: Database = app.state.parts.database
    mine, near, far = eui_of(2), eui_of(3), eui_of(4)
    start_us = NOW_US - DAY_US
    outage = Span(start_us, NOW_US, GatewayState.BUFFERING)
    away = Timeline(eui=mine, start_us=start_us, end_us=NOW_US, exceptions=(outage,))
    commune = CommuneNow(
        insee="37001",
        name="A",
        epci="",
        population=1,
        state=CommuneState.SERVED,
        since_us=0,
        members=(mine, near),
        serving=(near,),
    )
    served = Timeline(eui=near, start_us=start_us, end_us=NOW_US, exceptions=())
    with closing(database), database.read() as connection:
        frames = delivered(connection, mine, "24h", NOW_US).total
        alone, together = (
            late(
                connection,
                [mine],
                "24h",
                NOW_US,
                lines={mine: away, other: served},
                communes=[commune],
            )
            for other in (far, near)
        )
    assert frames > 0
    assert 0 < together.late <= frames
    assert together.probably_refused == together.late
    assert (alone.late, alone.probably_refused) == (together.late, 0)


def test_a_day_is_a_day_of_paris_also_when_the_hour_changes() -> None:
    month = month_around(instant_us(datetime(2026, 10, 15, tzinfo=UTC)))
    start_us, end_us = month.start_us, month.end_us
    units = dict.fromkeys(range(start_us // UNIT_US, end_us // UNIT_US), 1)
    counts = counts_of(units, start_us, end_us, 24 * 60)
    assert [frames // 12 for _, frames in counts.buckets] == [24] * 24 + [25] + [24] * 6
