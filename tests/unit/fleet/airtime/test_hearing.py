"""A gateway that hears nothing among neighbours that do is found within minutes, and only then."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.airtime.hearing import (
    ENOUGH_EXPECTED,
    NEIGHBOURS_LEAST,
    NEIGHBOURS_LIMIT,
    RADIUS_M,
    TRUSTED_SHARE,
    Count,
    Look,
    Silence,
    decide,
    near,
)
from fleet.durations import MINUTE_US

NEAR = {"a": ("b", "c", "d"), "b": ("a", "c", "d"), "c": ("a", "b", "d"), "d": ("a", "b", "c")}
ENOUGH = int(ENOUGH_EXPECTED / TRUSTED_SHARE)


def looks(**totals: list[int | None]) -> list[Look]:
    """Return looks a minute apart; None: no fresh heartbeat."""
    length = len(next(iter(totals.values())))
    return [
        Look(
            number * MINUTE_US,
            {eui: Count(1, at) for eui, counts in totals.items() if (at := counts[number]) is not None},
        )
        for number in range(length)
    ]


def test_a_gateway_without_any_past_is_found_when_enough_is_missing() -> None:
    for frames, found in (
        (ENOUGH - 1, {}),
        (ENOUGH, {"a": Silence(since_us=0, neighbours=3, usual_frames=ENOUGH)}),
    ):
        assert decide(looks(a=[5, 5], b=[0, frames], c=[0, frames], d=[0, 3 * ENOUGH]), NEAR) == found


def test_a_silence_of_all_accuses_nobody() -> None:
    assert decide(looks(a=[5, 5], b=[9, 9], c=[2, 2], d=[0, 900]), NEAR) == {}


def test_one_neighbour_alone_is_not_enough() -> None:
    assert NEIGHBOURS_LEAST == 2
    assert decide(looks(a=[5, 5], b=[0, 9_000]), NEAR) == {}
    assert set(decide(looks(a=[5, 5], b=[0, 9_000], c=[0, 9_000]), NEAR)) == {"a"}


def test_a_frame_ends_it_and_counting_begins_anew() -> None:
    busy = [0, 100, 200, 300]
    assert decide(looks(a=[5, 5, 5, 6], b=busy, c=busy), NEAR) == {}
    assert decide(looks(a=[5, 105, 206, 206], b=busy, c=busy), NEAR)["a"].since_us == 2 * MINUTE_US


def test_who_always_heard_little_is_given_longer() -> None:
    busy = [0, 4_000, 4_100, 4_200, 8_000]
    assert "a" not in decide(looks(a=[0, 40, 40, 40], b=busy[:4], c=busy[:4]), NEAR)
    assert "a" not in decide(looks(a=[0, 40, 40, 40, 40], b=busy, c=busy), NEAR)
    assert "a" in decide(looks(a=[0, 400, 400, 400, 400], b=busy, c=busy), NEAR)


def test_who_began_anew_or_was_away_counts_for_nobody() -> None:
    told = looks(a=[5, 5], b=[0, 900], c=[0, 900])
    counts = dict(told[1].counts)
    assert decide([told[0], Look(told[1].at_us, counts | {"c": Count(2, 900)})], NEAR) == {}
    assert decide([told[0], Look(told[1].at_us, counts | {"a": Count(2, 5)})], NEAR) == {}
    assert decide(looks(a=[5, 5], b=[0, 900], c=[None, 900]), NEAR) == {}
    assert decide([], NEAR) == {}


def test_neighbours_are_the_nearest_within_reach() -> None:
    step = RADIUS_M / 111_320
    places = {f"{number:02d}": (47.0 + number * step / 20, 0.6) for number in range(20)} | {
        "far": (47.0, 1.6)
    }
    found = near(places)
    assert found["00"] == tuple(f"{number:02d}" for number in range(1, NEIGHBOURS_LIMIT + 1))
    assert found["far"] == ()


@given(
    st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=2, max_size=12),
    st.floats(-0.05, 0.05),
)
def test_nearness_is_mutual_where_few_are_near(found: list[tuple[float, float]], shift: float) -> None:
    places = {
        str(number): place for number, place in enumerate([*found[:3], (found[0][0] + shift, found[0][1])])
    }
    near_ = near(places)
    assert all(eui in near_[other] for eui, others in near_.items() for other in others)
