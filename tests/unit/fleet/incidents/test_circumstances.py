from fleet.incidents.circumstances import ONE_ACT_US, Change, waves
from tests.stories.world import MINUTE, paris

AT = paris("2026-11-22 02:10:00")


def change(eui: str, issued_us: int = AT, by: str = "claire", reason: str = "canal 8") -> Change:
    return Change(eui=eui, issued_us=issued_us, by=by, reason=reason)


def test_one_act_is_one_wave_whatever_the_versions() -> None:
    found = waves([change("a"), change("b", AT + 4 * MINUTE), change("c", AT + 8 * MINUTE)])
    assert set(found.values()) == {"« canal 8 », 02:10"}


def test_another_reason_or_hour_is_another_wave() -> None:
    found = waves(
        [
            change("a"),
            change("c", reason=""),
            change("d", AT + ONE_ACT_US + 1, reason="canal 8"),
        ]
    )
    assert found["c"] == "« claire », 02:10"
    assert len({found["a"], found["c"], found["d"]}) == 3


def test_changed_twice_belongs_to_the_later_wave() -> None:
    found = waves([change("a", AT + 20 * MINUTE), change("a")])
    assert found == {"a": "« canal 8 », 02:30"}
