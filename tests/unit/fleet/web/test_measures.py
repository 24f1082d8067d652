import pytest

from fleet.web.rendering import Words
from fleet.web.views.measures import OCCUPIED_SHOWN, channels_of, groups_of, occupied_of

FRENCH, ENGLISH = Words("fr", 0), Words("en", 0)


def _named(words: Words, fields: dict[str, object], earlier: list[dict[str, object]]) -> dict[str, list[str]]:
    shown = groups_of(words, fields, earlier)
    return {group.key: [f"{one.name} {one.value}" for one in group.rows] for group in shown}


def test_a_measure_has_its_name_its_unit_and_its_group() -> None:
    told = {"disk_free_mb": 80291, "cpu_load_1min": 2.83, "net_eth0_sent_kb": 5, "gnss_satellites": 7}
    assert _named(FRENCH, told, []) == {
        "time": ["Satellites 7"],
        "machine": ["Charge, 1\u202fmin 2,8", "Disque libre 80\u202f291\u202fMo"],
        "counters": ["net eth0 sent 5\u202fko"],
    }
    assert _named(ENGLISH, {"disk_free_mb": 1}, []) == {"machine": ["Disk free 1\u202fMB"]}


@pytest.mark.parametrize(
    ("value", "before", "odd"),
    [
        (71.0, [40.0, 44.0, 41.0] * 3, True),
        (48.4, [40.0, 44.0, 41.0] * 3, False),
        (48.5, [40.0, 44.0, 41.0] * 3, True),
        (71.0, [40.0, 44.0] * 3 + [41.0], False),
        (900, list(range(100, 20, -10)), False),
        (3, [0] * 8, True),
        ("DEAF", ["RECEIVING"] * 8, True),
        ("RECEIVING", ["RECEIVING"] * 8, False),
        ("x", [1] * 8, True),
    ],
    ids=[
        "far above",
        "at the edge",
        "past it",
        "seven before",
        "counts",
        "first ever",
        "word",
        "same",
        "kind",
    ],
)
def test_what_the_week_before_never_was_stands_first(value: object, before: list[object], odd: bool) -> None:
    found = _named(FRENCH, {"concentrator_c": value}, [{"concentrator_c": one} for one in before])
    assert (next(iter(found)) == "unusual") is odd


def test_an_alarm_needs_no_past() -> None:
    assert next(iter(_named(FRENCH, {"under_voltage": 1, "cpu_count": 4}, []))) == "unusual"
    assert list(_named(FRENCH, {"under_voltage": 0}, [])) == ["machine"]


def test_the_picture_is_read_by_channel_and_spreading_factor() -> None:
    told = {
        "868100000.12": "3/1/4200",
        "868100000.7": "9/0/410",
        "868300000.0": "1/0/5",
        "noise_floor": "estimated",
    }
    told |= {"noise_estimated.868100000": "-112.4"}
    shown = channels_of(FRENCH, told)
    assert [(one.mhz, one.sf, one.frames, one.crc_failed, one.airtime_ms) for one in shown] == [
        ("868,1", "7", 9, 0, 410),
        ("868,1", "12", 3, 1, 4200),
        ("868,3", "FSK", 1, 0, 5),
    ]
    assert (shown[0].noise, shown[2].noise) == ("−112,4\u202fdBm, estimé", "—")


def test_what_is_no_cell_is_left_out() -> None:
    assert channels_of(FRENCH, {"868100000.7": "1/2", "868100000.8": "a/b/c", "x": 1}) == []


def test_downlinks_that_found_their_channel_occupied_add_up_by_channel() -> None:
    notes = [{"868100000": 2, "868300000": 1}, {"868300000": 4}, {"x": 9, "868500000": "7", "868700000": -1}]
    found = occupied_of(FRENCH, notes)
    assert found is not None
    assert (found.downlinks, found.channels) == (7, "868,3 MHz\u202f: 5 · 868,1 MHz\u202f: 2")
    assert occupied_of(FRENCH, [{}]) is None


def test_as_many_occupied_channels_are_named_as_there_is_room_for() -> None:
    found = occupied_of(ENGLISH, [{str(868_000_000 + n * 100_000): 1 for n in range(OCCUPIED_SHOWN + 3)}])
    assert found is not None
    assert (found.downlinks, len(found.channels.split(" · "))) == (OCCUPIED_SHOWN + 3, OCCUPIED_SHOWN)
