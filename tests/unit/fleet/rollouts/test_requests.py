"""No change of an address is signed without a second person, and none that came by the database."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from agent.wire.configuration import decode_configuration, encode_configuration
from fleet.approvals import store as approvals
from fleet.approvals.model import DEFAULT_RULES, Confirmation, RequestState, TwoPersons
from fleet.approvals.store import ApprovalRefused, Choice
from fleet.approvals.tables import approvals as approvals_table
from fleet.configurations import reconcile
from fleet.configurations.change import change
from fleet.configurations.genuine import Forged
from fleet.configurations.tables import configuration_versions as versions
from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
from fleet.facts.settings import DEFAULTS
from fleet.identity.tables import audit_log
from fleet.notify.tables import outbox
from fleet.oncall import store as oncall
from fleet.rollouts.look import Looking
from fleet.rollouts.model import Failure, RolloutState, Step
from fleet.rollouts.requests import decided, push_or_ask, run_requests, weigh_requests
from fleet.rollouts.single import Unsafe
from fleet.rollouts.start import Order, RolloutRefused, give
from fleet.rollouts.tables import rollout_gateways, rollouts
from fleet.shift.tables import shift_entries
from tests.unit.fleet.rollouts.test_look import ALONE, KEY, A, C, Fleet

EVIL = "evil.example"
TYPED = Confirmation(proof="password", session="a session")


class Office(Fleet):
    """The same fleet, and what people ask and decide about it."""

    def ask(self, host="lns2.example.fr", who="anne", rules=DEFAULT_RULES, emergency=False, eui=A, **wanted):
        weighed = self.weighed(eui=eui, changes={"connectors.0.host": host}, reason="essai", **wanted)
        with self.database.write() as connection:
            return push_or_ask(
                connection,
                KEY,
                rules,
                weighed,
                contract=DEFAULTS,
                who=who,
                now_us=self.now_us,
                emergency=emergency,
            )

    def decide(
        self, choice, who="bruno", number=1, reason="vérifié", rules=DEFAULT_RULES, confirmation=TYPED
    ):
        told = {"who": who, "reason": reason, "now_us": self.now_us, "confirmation": confirmation}
        with self.database.write() as connection:
            return decided(connection, KEY, rules, number, choice, **told)

    def run(self, later_us=SECOND_US):
        self.now_us += later_us
        told = {"network": self.network, "contract": DEFAULTS, "now_us": self.now_us}
        with self.database.read() as connection:
            weighed = weigh_requests(connection, self.network, DEFAULTS, self.now_us)
        with self.database.write() as connection:
            run_requests(Looking(connection=connection, key=KEY, **told), weighed)

    def request(self, number=1):
        with self.database.read() as connection:
            return approvals.get(connection, number)

    def sql(self, statement):
        """Write what somebody writes who has the database and not the keys."""
        with self.database.write() as connection:
            connection.execute(statement)

    def actions(self):
        with self.database.read() as connection:
            return list(connection.execute(select(audit_log.c.action)).scalars())

    def hosts_signed(self):
        """Return the hosts of every version of every gateway that was ever signed."""
        with self.database.read() as connection:
            documents = connection.execute(select(versions.c.document)).scalars()
            return {decode_configuration(one).connectors[0].host for one in documents}


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


# --- one gateway -------------------------------------------------------------------------------------
def test_an_address_waits_for_a_second_person_and_goes_when_they_approve(office):
    office.ask()
    office.run()
    assert (office.host(A), office.request().state) == ("a", RequestState.WAITING)
    office.decide(Choice.APPROVE)
    office.run()
    assert (office.host(A), office.request().state) == ("lns2.example.fr", RequestState.DONE)
    assert [one for one in office.actions() if one.startswith("approval")] == [
        "approval.ask",
        "approval.approve",
        "approval.done",
    ]


def test_what_is_no_address_is_sent_by_one_person(office):
    weighed = office.weighed(eui=A, changes={"intervals.stat_s": "60"})
    with office.database.write() as connection:
        told = {"contract": DEFAULTS, "who": "anne", "now_us": office.now_us}
        assert push_or_ask(connection, KEY, DEFAULT_RULES, weighed, **told) == 2


def test_the_setting_lets_one_administrator_alone(office):
    assert office.ask(rules=ALONE) == 2


def test_its_author_does_not_approve_it_by_name(office):
    office.ask()
    with pytest.raises(ApprovalRefused) as refused:
        office.decide(Choice.APPROVE, who="anne")
    assert refused.value.key == "approval.refused.own"
    office.decide(Choice.CANCEL, who="anne", reason="erreur")
    assert office.request().state is RequestState.CANCELLED


@pytest.mark.parametrize("choice", [Choice.REFUSE, Choice.CANCEL])
def test_refusing_wants_a_reason_and_nothing_is_sent(office, choice):
    office.ask()
    with pytest.raises(ApprovalRefused):
        office.decide(choice, reason=" ")
    office.decide(choice)
    office.run()
    assert office.host(A) == "a"
    with pytest.raises(ApprovalRefused):
        office.decide(Choice.APPROVE)


def test_nobody_decides_in_time(office):
    office.ask()
    office.run(DEFAULT_RULES.wait_us)
    assert office.request().state is RequestState.EXPIRED
    with pytest.raises(ApprovalRefused):
        office.decide(Choice.APPROVE)


def test_an_emergency_counts_down_and_anybody_stops_it(office):
    rules = TwoPersons(addresses=False, countdown_s=60)
    for number in (1, 2):
        office.ask(rules=rules, emergency=True)
        office.decide(Choice.APPROVE, number=number, rules=rules)
        office.run(60 * SECOND_US - 1)
        assert office.host(A) == "a", "it counts down"
        if number == 1:
            office.decide(Choice.CANCEL, who="carole", number=1, reason="mauvaise passerelle")
        office.run(1)
    assert (office.request(1).state, office.request(2).state) == (RequestState.CANCELLED, RequestState.DONE)
    assert office.host(A) == "lns2.example.fr"


def test_past_the_oracle_an_emergency_goes_with_a_reason_alone(office):
    with pytest.raises(Unsafe):
        office.ask(eui=C, emergency=True)
    office.ask(eui=C, emergency=True, despite="panne du cœur")
    office.decide(Choice.APPROVE)
    office.run(MINUTE_US)
    assert (office.request().state, office.host(C)) == (RequestState.DONE, "lns2.example.fr")
    assert "configuration.despite" in office.actions()


def test_those_who_plan_are_told_else_the_main_courante(office):
    office.ask()
    with office.database.read() as connection:
        assert "Demande n° 1" in connection.execute(select(shift_entries.c.text)).scalar()
    with office.database.write() as connection:
        oncall.import_people(
            connection, [{"name": "Paul", "email": "paul@example.fr", "skills": [oncall.PLANNER]}]
        )
    office.ask("lns3.example.fr")
    with office.database.read() as connection:
        assert connection.execute(select(outbox.c.address)).scalars().all() == ["paul@example.fr"]


# --- a rollout ---------------------------------------------------------------------------------------
def test_a_rollout_waits_and_goes_on_when_a_second_person_approves(office):
    office.start(rules=DEFAULT_RULES)
    office.look()
    assert (office.rollout().state, office.applying()) == (RolloutState.PAUSED, set())
    with office.database.write() as connection, pytest.raises(RolloutRefused) as refused:
        give(connection, 1, Order.RESUME, who="anne", now_us=office.now_us)
    assert refused.value.key == "rollout.refused.waits"
    office.decide(Choice.APPROVE)
    office.look()
    assert office.applying()


@pytest.mark.parametrize("how", ["refuse", "expire"])
def test_a_rollout_that_is_not_approved_ends_and_frees_its_gateways(office, how):
    office.start(rules=DEFAULT_RULES)
    if how == "refuse":
        office.decide(Choice.REFUSE)
    else:
        office.run(DEFAULT_RULES.wait_us)
    office.look()
    assert office.rollout().state is RolloutState.ROLLED_BACK
    assert office.hosts_signed() == {"a"}


# --- who writes the database -------------------------------------------------------------------------
def test_a_rollout_that_somebody_wrote_into_the_database_is_halted_by_name(office):
    office.start(rules=ALONE)
    with office.database.read() as connection:
        row = dict(connection.execute(select(rollouts)).mappings().one())
    office.sql(update(rollouts).values(state="done"))
    office.sql(
        insert(rollouts).values(row | {"id": 2, "changes": {"connectors.0.host": EVIL}, "state": "running"})
    )
    office.sql(update(rollout_gateways).values(rollout_id=2))
    office.look()
    assert office.rollout(2).halted_why == "approval.missing"
    assert (EVIL in office.hosts_signed(), "rollout.halted" in office.actions()) == (False, True)


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        (update(rollouts).values(changes={"connectors.0.host": EVIL}), "approval.changed"),
        (update(approvals_table).values(content={"changes": {"connectors.0.host": EVIL}}), "approval.forged"),
        (update(approvals_table).values(author="carole"), "approval.forged"),
    ],
)
def test_a_rollout_that_was_changed_after_it_was_asked_for_is_halted(office, tamper, why):
    office.start(rules=ALONE)
    office.sql(tamper)
    office.look()
    assert (office.rollout().state, office.rollout().halted_why) == (RolloutState.HALTED, why)
    assert office.hosts_signed() == {"a"}


@pytest.mark.parametrize(
    "tamper",
    [
        {"state": "approved", "decided_by": "bruno", "due_at_us": 0},
        {"state": "approved", "decided_by": "bruno", "due_at_us": 0, "needs_second": False},
    ],
)
def test_an_approval_that_somebody_wrote_into_the_database_sends_nothing(office, tamper):
    office.ask(EVIL)
    office.sql(update(approvals_table).values(tamper))
    office.run()
    assert (office.request().state, office.request().outcome) == (RequestState.FAILED, "approval.forged")
    assert office.hosts_signed() == {"a"}


def evil_document(fleet):
    with fleet.database.read() as connection:
        document = connection.scalar(select(versions.c.document).where(versions.c.eui == A))
    return encode_configuration(change(decode_configuration(document), {"connectors.0.host": EVIL}))


def test_a_version_that_was_changed_in_the_database_is_built_upon_by_nobody(office):
    office.sql(update(versions).where(versions.c.eui == A).values(document=evil_document(office)))
    with pytest.raises(Forged):
        office.push(eui=A, changes={"intervals.stat_s": "60"})
    office.start(rules=ALONE)
    for _ in range(3):
        office.look()
    steps = office.rollout().steps
    assert steps[A].step is not Step.APPLYING
    if steps[A].step is Step.FAILED:
        assert steps[A].failure is Failure.FORGED
        assert "configuration.forged" in office.actions()


def test_a_version_that_was_changed_in_the_database_does_not_go_out_and_is_named(office):
    changed = {"document": evil_document(office), "published": False}
    office.sql(update(versions).values(published=True))
    office.sql(update(versions).where(versions.c.eui == A).values(changed))
    sent = []
    with office.database.read() as connection:
        forged = reconcile.publish_waiting(
            connection, lambda *message: bool(sent.append(message)), lambda _: None, KEY.public_key()
        )
    assert (forged, sent) == ({A: 1}, [])


def test_a_way_back_that_was_changed_in_the_database_is_not_taken(office):
    office.start(rules=ALONE)
    office.look()
    (canary,) = office.applying()
    office.answer(canary)
    office.look()
    office.sql(update(rollout_gateways).where(rollout_gateways.c.eui == canary).values(base_version=2))
    with office.database.write() as connection:
        give(connection, 1, Order.ROLL_BACK, who="anne", now_us=office.now_us)
    office.look()
    assert office.rollout().steps[canary].failure is Failure.FORGED


# --- no order of events ------------------------------------------------------------------------------
EVENTS = st.lists(
    st.sampled_from(
        ["ask", "urgent", "own", "approve", "refuse", "cancel", "wait", "long", "run", "forge", "rewrite"]
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=EVENTS)
def test_no_order_of_events_lets_an_unapproved_address_be_signed(tmp_path_factory, events):
    """Whatever people do and somebody writes: an address is signed only of a request that bruno approved."""
    office, approved = Office(tmp_path_factory.mktemp("fleet")), set()
    count = 0
    for event in events:
        try:
            if event in ("ask", "urgent"):
                count += 1
                office.ask(f"h{count}.example", emergency=event == "urgent")
            elif event in ("own", "approve"):
                office.decide(Choice.APPROVE, who="anne" if event == "own" else "bruno", number=max(count, 1))
                approved.add(f"h{count}.example")
                assert event == "approve"
            elif event in ("refuse", "cancel"):
                office.decide(Choice(event), number=max(count, 1))
            elif event == "forge":
                office.sql(update(approvals_table).values(state="approved", decided_by="carole", due_at_us=0))
            elif event == "rewrite":
                office.sql(
                    update(approvals_table).values(content={"eui": A, "changes": {"connectors.0.host": EVIL}})
                )
            else:
                office.run({"wait": MINUTE_US, "long": 80 * HOUR_US, "run": SECOND_US}[event])
        except (ApprovalRefused, RolloutRefused):
            continue
    office.run(MINUTE_US)
    assert office.hosts_signed() <= {"a"} | approved
