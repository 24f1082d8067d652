"""The whole table of the safety oracle, and its rules against a plain second reading."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, Serving
from fleet.facts.states import GatewayState
from fleet.lang.i18n import LANGUAGES
from fleet.safety.model import (
    LIMITS,
    REPAIR_LIMITS,
    Absence,
    AbsenceKind,
    DegradedKind,
    Question,
    RefusalKind,
    SafetyLimits,
)
from fleet.safety.oracle import most_with, ok_to_stop
from fleet.safety.view import REPAIRED_US
from fleet.safety.words import degraded_in_words, refusal_in_words
from tests.unit.fleet.safety.networks import DOWN, HOUR_US, NOW, NOW_US, OUT, SERVING, view_of

UP2 = {"a": SERVING, "b": SERVING}
UP3 = {**UP2, "c": SERVING}
HEARD = [("x", "abc", 90)]


def asked(*euis, window=NOW):
    return Question(euis=euis, window=window)


def absent(eui, window=NOW, kind=AbsenceKind.PERMIT, **more):
    return Absence(eui=eui, window=window, kind=kind, **more)


def kinds(answer):
    return [(one.eui, one.kind.value, one.insee) for one in answer.refusals]


LATER = Window(NOW.end_us, NOW.end_us + HOUR_US)
FAR = Window(NOW_US + REPAIRED_US, NOW_US + REPAIRED_US + HOUR_US)


@pytest.mark.parametrize(
    ("view", "question", "absences", "expected"),
    [
        pytest.param(view_of(UP2, {"x": "ab"}), asked("a"), [], [], id="a neighbour serves"),
        pytest.param(
            view_of({"a": SERVING}, {"x": "a"}), asked("a"), [], [("a", "commune", "x")], id="the only one"
        ),
        pytest.param(
            view_of({"a": SERVING, "b": DOWN}, {"x": "ab"}),
            asked("a"),
            [],
            [("a", "commune", "x")],
            id="the neighbour is down",
        ),
        pytest.param(
            view_of({"a": SERVING, "b": DOWN}, {"x": "ab"}),
            asked("a", window=FAR),
            [],
            [],
            id="who is down now is back in two days",
        ),
        pytest.param(
            view_of({"a": DOWN}, {"x": "a"}), asked("a"), [], [], id="who serves nobody harms nobody"
        ),
        pytest.param(view_of({"a": OUT}, {"x": ""}), asked("a", window=FAR), [], [], id="OUT stays OUT"),
        pytest.param(view_of(UP2, {}), asked("a", "b"), [], [], id="no commune"),
        pytest.param(view_of(UP2, {"x": "ab"}), asked("z"), [], [("z", "not_registered", "")], id="stranger"),
        pytest.param(view_of(UP2, {"x": "ab"}, blind=True), asked("a"), [], [("a", "blind", "")], id="blind"),
        pytest.param(
            view_of(UP2, {"x": "ab"}),
            asked("a", "b"),
            [],
            [("a", "commune", "x"), ("b", "commune", "x")],
            id="each other's redundancy",
        ),
        pytest.param(
            view_of(UP2, {"x": "ab"}),
            asked("a"),
            [absent("b")],
            [("a", "commune", "x")],
            id="the neighbour changes",
        ),
        pytest.param(view_of(UP2, {"x": "ab"}), asked("a"), [absent("b", LATER)], [], id="it changes later"),
        pytest.param(view_of(UP2, {"x": "ab"}), asked("a"), [absent("a")], [], id="one's own absence"),
        pytest.param(
            view_of(UP3, {"x": "abc"}),
            asked("a"),
            [absent("b")],
            [("a", "neighbour", "x")],
            id="no record of sensors: one at a time",
        ),
        pytest.param(
            view_of(UP3, {"x": "abc"}, HEARD), asked("a", "b"), [], [], id="all sensors reach a third"
        ),
        pytest.param(
            view_of(UP3, {"x": "abc"}, [("x", "ab", 3), *HEARD]),
            asked("a"),
            [absent("b")],
            [("a", "sensors", "x")],
            id="some sensors reach only these two",
        ),
        pytest.param(
            view_of(UP3, {"x": "bc"}, [("x", "ab", 3), ("x", "bc", 9)]),
            asked("a", "b"),
            [],
            [("a", "sensors", "x"), ("b", "sensors", "x")],
            id="a coverer that is no member counts too",
        ),
        pytest.param(
            view_of(UP2, {"x": "ab"}, [("x", "a", 21), ("x", "ab", 79)]),
            asked("a"),
            [],
            [("a", "alone", "x")],
            id="too many that it alone hears",
        ),
        pytest.param(
            view_of(UP2, {"x": "ab"}, [("x", "a", 20), ("x", "ab", 80)]),
            asked("a"),
            [],
            [],
            id="few that it alone hears",
        ),
        pytest.param(
            view_of(UP2, {"x": "ab"}, budgets={"x": 1_000}),
            asked("a"),
            [],
            [("a", "budget", "x")],
            id="low budget",
        ),
        pytest.param(
            view_of(UP2, {"x": "ab"}, suspects="b"),
            asked("a"),
            [],
            [("a", "commune", "x")],
            id="nobody relies on one whose socket closed",
        ),
        pytest.param(
            view_of({"a": SERVING}, {"x": "a"}),
            asked("a"),
            [absent("a", kind=AbsenceKind.WORKS, excused=True)],
            [],
            id="works announced in time",
        ),
        pytest.param(
            view_of({"a": SERVING}, {"x": "a"}, budgets={"x": 1_000}),
            asked("a"),
            [absent("a", kind=AbsenceKind.WORKS, excused=True)],
            [("a", "budget", "x")],
            id="works announced in time lift no budget",
        ),
        pytest.param(
            view_of({"a": SERVING}, {"x": "a"}),
            asked("a"),
            [absent("a", kind=AbsenceKind.WORKS)],
            [("a", "commune", "x")],
            id="works announced late",
        ),
        pytest.param(
            view_of({"a": SERVING}, {"x": "a"}),
            asked("a"),
            [absent("a", Window(NOW.start_us, NOW.end_us - 1), AbsenceKind.WORKS, excused=True)],
            [("a", "commune", "x")],
            id="works that end before",
        ),
        pytest.param(
            view_of(UP3, {"x": "abc"}, HEARD, settings=replace(DEFAULTS, serving=Serving.ALL)),
            asked("a"),
            [],
            [("a", "commune", "x")],
            id="the contract wants all to serve",
        ),
    ],
)
def test_table(view, question, absences, expected):
    assert kinds(ok_to_stop(view, question, absences)) == expected


def test_a_low_budget_does_not_hold_back_a_repair():
    view = view_of(UP2, {"x": "ab"}, budgets={"x": -5})
    assert ok_to_stop(view, asked("a"), limits=REPAIR_LIMITS).is_yes


def test_what_becomes_worse_is_named():
    view = view_of(UP2, {"x": "ab", "y": "ab"}, [("x", "a", 1), ("x", "ab", 9), ("y", "ab", 9)])
    found = [(one.kind, one.insee, one.sensors) for one in ok_to_stop(view, asked("a")).degraded]
    assert found == [
        (DegradedKind.LAST_GATEWAY, "x", 0),
        (DegradedKind.ALONE, "x", 1),
        (DegradedKind.LAST_GATEWAY, "y", 0),
    ]
    works = absent("a", kind=AbsenceKind.WORKS, excused=True)
    alone = ok_to_stop(view_of({"a": SERVING}, {"x": "a"}), asked("a"), [works])
    assert [one.kind for one in alone.degraded] == [DegradedKind.EXCUSED]


def test_refusals_name_who_is_missing_and_why():
    works = absent("b", kind=AbsenceKind.WORKS, reference="12")
    refusal = ok_to_stop(view_of(UP2, {"x": "ab"}), asked("a"), [works]).refusals[0]
    names = {"a": "Église de Gien", "b": "Mairie"}
    assert (refusal.out, refusal.absences) == (("b",), (works,))
    expected = (
        "Église de Gien : plus aucune passerelle ne servirait X. Manquent là-bas : Mairie (travaux n° 12)."
    )
    assert refusal_in_words("fr", refusal, names).replace("\u202f", " ") == expected


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_refusal_and_every_worsening_has_words(lang):
    refusal = ok_to_stop(view_of(UP2, {"x": "ab"}), asked("a", "b")).refusals[0]
    for kind in RefusalKind:
        assert "{" not in refusal_in_words(lang, replace(refusal, kind=kind), {})
    worse = ok_to_stop(view_of(UP2, {"x": "ab"}), asked("a")).degraded[0]
    for kind in DegradedKind:
        assert "{" not in degraded_in_words(lang, replace(worse, kind=kind))


@pytest.mark.parametrize("share", [-1, 1_000_001])
def test_a_share_beyond_the_whole_is_refused_by_name(share):
    with pytest.raises(ValueError, match="budget_left_min_ppm"):
        SafetyLimits(budget_left_min_ppm=share)


def test_a_candidate_that_is_refused_is_there_for_the_next_one():
    communes = {"x": "ab", "w": "a", "v": "bs", "u": "bt", "z": "qs"}
    view = view_of(dict.fromkeys("abqst", SERVING), communes)
    assert most_with(view, asked("q"), candidates="ab", most=9) == ("b",)


# --- against a second reading, on random networks ---------------------------------------------------
EUIS = "abcdefgh"


@st.composite
def networks(draw):
    states = {
        eui: draw(st.sampled_from([SERVING, SERVING, SERVING, DOWN, GatewayState.UNKNOWN])) for eui in EUIS
    }
    members = st.lists(st.sampled_from(EUIS), unique=True, max_size=4)
    communes = draw(st.dictionaries(st.sampled_from("uvwxyz"), members, max_size=5))
    groups = st.tuples(
        st.sampled_from("uvwxyz"),
        st.lists(st.sampled_from(EUIS), unique=True, min_size=1, max_size=4),
        st.integers(1, 9),
    )
    coverages = [one for one in draw(st.lists(groups, max_size=12)) if one[0] in communes]
    return states, communes, coverages


def plainly_refused(states, communes, coverages, out):
    """Say whether somebody loses his last gateway: written from DESIGN §8 alone, without any index."""
    before = {eui for eui, state in states.items() if state is SERVING}
    after = before - set(out)
    known = {insee for insee, _, _ in coverages}
    for insee, members in communes.items():
        gone = before.intersection(out, members)
        if gone and (not after & set(members) or (insee not in known and len(gone) > 1)):
            return True
    for _, euis, _ in coverages:
        if len(euis) > 1 and before.intersection(out, euis) and not after & set(euis):
            return True
    for insee in communes:
        whole = sum(count for name, _, count in coverages if name == insee)
        for eui in before.intersection(out):
            lone = sum(count for name, euis, count in coverages if name == insee and euis == [eui])
            if lone > whole / 5:
                return True
    return False


@given(networks(), st.lists(st.sampled_from(EUIS), unique=True, min_size=1), st.lists(st.sampled_from(EUIS)))
def test_the_answer_is_that_of_a_plain_reading(network, euis, others):
    states, communes, coverages = network
    view = view_of(*network)
    answer = ok_to_stop(view, asked(*euis), limits=LIMITS)
    assert answer.is_yes != plainly_refused(states, communes, coverages, euis)
    beside = ok_to_stop(view, asked(*euis), [absent(eui) for eui in others])
    if plainly_refused(states, communes, coverages, euis):
        assert not beside.is_yes


@given(networks(), st.sampled_from(EUIS), st.integers(0, 8))
def test_those_that_may_go_with_it_may_and_nobody_else_could(network, eui, most):
    view = view_of(*network)
    found = most_with(view, asked(eui), candidates=EUIS, most=most)
    if not ok_to_stop(view, asked(eui)).is_yes:
        assert found == ()
        return
    assert len(found) <= most
    assert eui not in found
    assert ok_to_stop(view, asked(eui, *found)).is_yes
    if len(found) < most:
        rest = set(EUIS) - {eui, *found}
        assert not any(ok_to_stop(view, asked(eui, *found, one)).is_yes for one in rest)
