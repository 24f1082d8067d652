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
from fleet.safety.remaining import Remaining
from fleet.safety.words import degraded_in_words, refusal_in_words
from tests.unit.fleet.safety.networks import BUDGET_US, DOWN, HOUR_US, NOW, NOW_US, OUT, SERVING, view_of

UP2 = {"a": SERVING, "b": SERVING}
UP3 = {**UP2, "c": SERVING}
HEARD = [("x", "abc", 90)]


def asked(*euis, window=NOW):
    return Question(euis=euis, window=window)


def absent(eui, window=NOW, kind=AbsenceKind.PERMIT, **more):
    return Absence(eui=eui, window=window, kind=kind, **more)


def kinds(answer):
    return [(one.eui, one.kind.value, one.insee) for one in answer.refusals]


BEFORE = Window(NOW.start_us - HOUR_US, NOW.start_us)
LATER = Window(NOW.end_us, NOW.end_us + HOUR_US)
FAR = Window(NOW_US + 48 * HOUR_US, NOW_US + 49 * HOUR_US)


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
            view_of({"a": SERVING, "b": DOWN}, {"x": "ab"}),
            asked("a", window=Window(FAR.start_us - 1, FAR.end_us)),
            [],
            [("a", "commune", "x")],
            id="and not earlier",
        ),
        pytest.param(
            view_of({"a": DOWN}, {"x": "a"}), asked("a"), [], [], id="who serves nobody harms nobody"
        ),
        pytest.param(view_of({"a": OUT}, {"x": "a"}), asked("a", window=FAR), [], [], id="OUT stays OUT"),
        pytest.param(
            view_of(UP2, {"x": "ab"}, [("elsewhere", "a", 9), ("x", "ab", 9)]),
            asked("a"),
            [],
            [],
            id="sensors of a commune that we do not serve",
        ),
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
        pytest.param(view_of(UP2, {"x": "ab"}), asked("a"), [absent("b", BEFORE)], [], id="it has changed"),
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
            view_of({"a": SERVING}, {"x": "a"}),
            asked("a"),
            [absent("a", Window(NOW.start_us + 1, NOW.end_us), AbsenceKind.WORKS, excused=True)],
            [("a", "commune", "x")],
            id="works that begin after",
        ),
        pytest.param(
            view_of({"a": SERVING}, {"x": "a"}),
            asked("a"),
            [absent("a", Window(NOW.start_us - 1, NOW.end_us + 1), AbsenceKind.WORKS, excused=True)],
            [],
            id="works that last longer",
        ),
        pytest.param(
            view_of({**UP2, "c": DOWN}, {"x": "abc"}),
            asked("a"),
            [absent("c")],
            [],
            id="no record of sensors, but the neighbour that changes serves nobody",
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


@pytest.mark.parametrize(("left_us", "is_yes"), [(BUDGET_US // 4, True), (BUDGET_US // 4 - 1, False)])
def test_a_quarter_of_the_budget_is_left(left_us, is_yes):
    view = replace(view_of(UP2, {"x": "ab"}, budgets={"x": left_us}), budget_us=BUDGET_US)
    assert ok_to_stop(view, asked("a"), limits=SafetyLimits(budget_left_min_ppm=250_000)).is_yes is is_yes


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
    both = ok_to_stop(view_of(UP2, {"x": "ab"}), asked("a", "b"), [works])
    assert both.degraded == (), "b is not excused: refused, not worse"


def test_sensors_that_two_hear_alone_are_counted_together_also_outside_their_communes():
    view = view_of(
        UP3, {"x": "abc", "y": "c"}, [("x", "a", 1), ("x", "b", 2), ("x", "abc", 97), ("y", "a", 1)]
    )
    found = [(one.kind, one.insee, one.sensors) for one in ok_to_stop(view, asked("a", "b")).degraded]
    assert found == [
        (DegradedKind.LAST_GATEWAY, "x", 0),
        (DegradedKind.ALONE, "x", 3),
        (DegradedKind.ALONE, "y", 1),
    ]


def test_nothing_becomes_worse_where_nobody_is_missed_and_two_are_left():
    down = view_of({"a": SERVING, "c": DOWN}, {"x": "ac"})
    assert ok_to_stop(down, asked("c")).degraded == ()
    works = absent("a", kind=AbsenceKind.WORKS, excused=True)
    assert ok_to_stop(view_of(UP3, {"x": "abc"}), asked("a"), [works]).degraded == ()


def test_what_becomes_worse_is_named_in_the_order_of_the_communes():
    view = view_of(UP2, dict.fromkeys("zyxwv", "ab"), [(name, "b", 1) for name in "utsrq"])
    assert [one.insee for one in ok_to_stop(view, asked("a")).degraded] == list("vwxyz")


def test_a_refusal_names_only_those_that_are_missing():
    view = view_of(UP3, {"x": "abc"}, HEARD, settings=replace(DEFAULTS, serving=Serving.ALL))
    (refusal,) = ok_to_stop(view, asked("a")).refusals
    assert (refusal.out, refusal.sensors) == ((), 0)


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


def test_those_go_first_that_the_fewest_communes_and_sensors_depend_on():
    """Communes and groups of sensors: d 1 + 0, c 2 + 0, b 2 + 1, a 2 + 2, e 1 + 1."""
    communes = {"x": "dc", "y": "cba", "z": "bae"}
    view = view_of(dict.fromkeys("abcdeq", SERVING), communes, [("z", "ae", 1), ("z", "ab", 1)])
    first = [most_with(view, asked("q"), candidates=names, most=1) for names in ("abcd", "ab", "be", "ce")]
    assert first == [("d",), ("b",), ("e",), ("c",)]
    twins = view_of(dict.fromkeys("mnopq", SERVING), dict.fromkeys("uvwx", "mnop"), [("u", "mnop", 1)])
    assert most_with(twins, asked("q"), candidates="ponm", most=1) == ("m",)


def test_nobody_goes_with_a_question_of_which_a_part_is_refused():
    view = view_of(dict.fromkeys("abcd", SERVING), {"x": "a", "y": "bc"})
    assert most_with(view, asked("d", "a"), candidates="b", most=1) == ()


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


@given(networks(), st.lists(st.sampled_from(EUIS), max_size=12))
def test_who_is_left_does_not_depend_on_what_was_asked_between(network, turns):
    view = view_of(*network)

    def left(remaining):
        communes = {insee: remaining.commune_left(insee) for insee in view.network.communes}
        groups = {position for found in view.groups_of.values() for position in found}
        return communes, {position: remaining.group_left(position) for position in groups}

    going = Remaining(view, NOW, [absent("a")])
    for eui in turns:
        (going.put_back if eui in going.asked else going.take)(eui)
        afresh = Remaining(view, NOW, [absent("a")])
        for other in going.asked:
            afresh.take(other)
        assert left(going) == left(afresh)
