"""Each page speaks one language: no sentence, reason or key of the other, whatever machines wrote down."""

import re
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from agent.wire import reasons as why
from agent.wire.configuration import Configuration
from agent.wire.messages import Change, ConfigState, TimeQuality
from agent.wire.reasons import ReasonedError, text, written
from fleet.configurations.tables import configuration_versions, instructions
from fleet.errors import InputRefused
from fleet.evidence.tables import journal_records, reported_configurations
from fleet.identity import audit
from fleet.lang import i18n
from fleet.lang.reasons import FleetReason, own
from fleet.web.rendering import Words
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import NOW_US, eui_of
from tests.unit.fleet.web.test_pages import PAGES

SAID = [
    (Change.RADIO, "radio", "RECEIVING", written(why.radio.started(eui="0016c001f1370001"))),
    (Change.RADIO, "radio", "DEAF", written(why.radio.counter_jumped(counted_us=12, elapsed_us=900_000))),
    (
        Change.CONNECTOR,
        "lns",
        "DOWN",
        written(why.lns.unreachable(host="lns.example.fr", cause=why.system.connection_refused())),
    ),
    (
        Change.RECOVERY,
        "agent",
        "STARTED",
        written(why.recovery.radio_not_receiving(radio="DEAF", lasting_min=10)),
    ),
    (Change.SPOOL, "spool", "FULL", "[Errno 28] No space left on device"),
    (Change.CLOCK, "clock", "NTP", written(why.machine.clock_was(time_quality="UNTRUSTED"))),
    (Change.POWER, "supply", "UNDER_VOLTAGE", ""),
    (Change.CONFIGURATION, "v2", "ROLLED_BACK", written(why.configuration.restarted_on_trial())),
]
"""The store is full by an older agent: its English is marked as such."""
ROLLED_BACK = written(
    why.configuration.rolled_back(
        version=2, good_version=1, cause=why.configuration.not_confirmed(limit_s=300)
    )
)
ENGLISH = re.compile(
    r"\b(the|of|was|were|not|with|needs|started|answers?|refused|rolled|order|system|line|failed|bytes|seconds)\b"
)
FRENCH = re.compile(r"\b(depuis|aucune?|dans|qui|sont|avec|pour|pas|relance|annulée|prononcée)\b")
KEY = re.compile(r"\b[a-z]{3,}\.[a-z_]{3,}(?:\.[a-z_]+)*\b")
CODE = re.compile(r"\b(?!PULL_ACK)[A-Z]{2,}_[A-Z_]+\b")
NAMES = re.compile(rf"\b(?:{'|'.join(Configuration.__struct_fields__)})\.[a-z0-9_.]+|\b[a-z.]+\.fr\b")
"""Settings go by their path, servers by their host."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The sample, with all that machines say in English."""
    app = make_app(tmp_path_factory.mktemp("words"))
    eui = eui_of(1)
    with app.state.parts.database.write() as connection:
        row = {"eui": eui, "boot": 7, "time_quality": int(TimeQuality.NTP), "recorded_at_us": NOW_US}
        for number, (change, subject, value, reason) in enumerate(SAID, start=10):
            said = {"change": int(change), "subject": subject, "value": value, "reason": reason}
            at = {"journal_seq": number, "uptime_ms": number, "at_us": NOW_US - number}
            connection.execute(insert(journal_records), row | at | said)
        report = {"version": 1, "sha256": "0" * 64, "seen_version": 2, "reason": ROLLED_BACK}
        report |= {
            "eui": eui,
            "state": int(ConfigState.ROLLED_BACK),
            "at_us": NOW_US,
            "recorded_at_us": NOW_US,
        }
        connection.execute(insert(reported_configurations), report)
        connection.execute(
            update(configuration_versions).values(
                issued_by=audit.COMMAND_LINE, reason=own(FleetReason.WORK_ORDER)
            )
        )
        for who in (audit.SYSTEM, audit.COMMAND_LINE, f"gateway {eui}"):
            audit.record(connection, now_us=NOW_US, who=who, action="gateway.in_service", subject=eui)
    client = TestClient(app, follow_redirects=False)
    page = client.get(f"/passerelles/{eui}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = {"csrf_token": token[1], "action": "self_test"}
    assert client.post(f"/passerelles/{eui}/commande", data=form).status_code == 303
    with app.state.parts.database.write() as connection:
        tested = why.command.self_test(
            counter_us=1,
            agc_status="0x10",
            agc_parity="ok",
            arb_parity="lost",
            temperature=why.command.temperature(temperature_c=31.5),
        )
        answer = written(why.command.self_test_failed(cause=tested, fault=why.radio.not_receiving()))
        told = {"replied_at_us": NOW_US, "reply_ok": False, "reply_text": answer}
        connection.execute(update(instructions).values(**told))
    return client


def visible(markup: str) -> str:
    """Return what a person reads or hears of a page in its own language."""
    markup = re.sub(r"<(head|script)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    markup = re.sub(
        r"<(\w+)[^>]*\blang=\"\w+\"[^>]*>.*?</\1>", " ", markup[markup.index("<body") :], flags=re.DOTALL
    )
    markup = re.sub(r"<(\w+)[^>]*class=\"mono[^\"]*\"[^>]*>.*?</\1>", " ", markup, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|alt|placeholder)="([^"]*)"', markup)
    return unescape(" ".join([re.sub(r"<[^>]+>", " ", markup), *spoken]))


def sentences(lang: str) -> set[str]:
    """Return what only this language says: whole sentences without values."""
    other = "en" if lang == "fr" else "fr"
    alien = {
        text for forms in i18n.catalogue().values() for form, text in forms.items() if form.startswith(other)
    }
    texts = {
        text for forms in i18n.catalogue().values() for form, text in forms.items() if form.startswith(lang)
    }
    return {text for text in texts - alien if len(text) > 11 and " " in text and "{" not in text}


@pytest.mark.parametrize("page", [*PAGES, "/main-courante", "/nowhere", "/personnes"])
def test_french_pages_hold_no_english_no_key_and_no_code(client: TestClient, page: str) -> None:
    text = visible(client.get(page, headers={"Cookie": "langue=fr"}).text)
    assert ENGLISH.findall(text) == []
    assert KEY.findall(NAMES.sub("", text)) == []
    assert CODE.findall(text) == []
    assert [sentence for sentence in sentences("en") if sentence in text] == []


@pytest.mark.parametrize("page", [*PAGES, "/main-courante", "/nowhere", "/personnes"])
def test_english_pages_hold_no_french_no_key_and_no_code(client: TestClient, page: str) -> None:
    text = visible(client.get(page, headers={"Cookie": "langue=en"}).text)
    assert FRENCH.findall(text) == []
    assert KEY.findall(NAMES.sub("", text)) == []
    assert CODE.findall(text) == []
    assert [sentence for sentence in sentences("fr") if sentence in text] == []


NOUNS = "passerelle|commune|autre|trame|incident|jour|heure|habitant|capteur|message|ligne|réglage"
DISAGREES = re.compile(rf"(?<![\d,.:\u202f\u00a0-])(?:[01] (?:{NOUNS})s|(?:[2-9]|[1-9]\d+) (?:{NOUNS}))\b")
FIELD = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")


def test_the_check_of_plurals_finds_what_disagrees() -> None:
    text = "et 1 autres, 3 passerelle sur 3, 0 communes, 12 trames, 1 passerelle, 1\u202f615 passerelles"
    assert DISAGREES.findall(text) == ["1 autres", "3 passerelle", "0 communes"]


@pytest.mark.parametrize("page", [*PAGES, "/main-courante", "/personnes"])
def test_numbers_agree_with_their_nouns_and_no_field_is_raw(client: TestClient, page: str) -> None:
    text = visible(client.get(page, headers={"Cookie": "langue=fr"}).text)
    assert DISAGREES.findall(text) == []
    settings = set(Configuration.__struct_fields__)
    assert set(FIELD.findall(NAMES.sub("", text))) - settings == set()


@pytest.mark.parametrize(
    ("error", "phrase"),
    [
        ("sms.example: answered no number for the message", "n’a pas confirmé"),
        ("the gateway refuses the number +33600000000", "refuse ce numéro"),
        ("sms.example: 503 Service Unavailable", "code 503"),
        ("sms.example: [Errno 111] Connection refused", "injoignable"),
        ("", "injoignable"),
    ],
)
def test_a_message_that_did_not_leave_says_why_in_french(error: str, phrase: str) -> None:
    answer = Words("fr", NOW_US).sending_error(error)
    assert phrase in answer
    assert ENGLISH.findall(answer) == []


def test_a_configuration_taken_back_says_why_in_the_persons_language(client: TestClient) -> None:
    for page in (f"/passerelles/{eui_of(1)}", "/deploiements"):
        text = visible(client.get(page).text)
        assert "retour à la version 1\u202f: la flotte ne l’a pas confirmée en 300 s" in text


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_refusals_name_the_rule(lang: str) -> None:
    words = Words(lang, NOW_US)
    assert "12" in words.refusal(InputRefused("password: …", key="refusal.password", limit=12))
    rule = why.document.field(path="intervals.heartbeat_s", cause=why.document.too_small(least=5))
    assert words.refusal(ReasonedError(rule)) == text(why.document.too_small(least=5), lang)
    assert words.refusal(InputRefused("something new")) == "something new"


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_the_english_of_an_older_gateway_is_shown_and_marked(lang: str) -> None:
    words = Words(lang, NOW_US)
    assert words.is_foreign_prose("no answer for 30 s") is (lang == "fr")
    told = words.gateway_reason("no answer for 30 s")
    assert ("(texte de la passerelle, en anglais)" in told) is (lang == "fr")
    assert told.startswith("no answer for 30 s")
    assert words.reason("antenne remplacée par Anne") == "antenne remplacée par Anne", (
        "people write as they do"
    )
    assert not any(
        words.is_foreign_prose(line) for line in ("stopped", own(FleetReason.RADIO_DEAF), ROLLED_BACK)
    )


def test_every_action_of_the_audit_trail_has_its_word() -> None:
    fleet = Path(i18n.__file__).parents[1]
    told = {
        action
        for path in fleet.rglob("*.py")
        if "node_modules" not in path.parts
        for action in re.findall(r'(?:action=|AUDIT_ACTION = )"([a-z_.]+)"', path.read_text(encoding="utf-8"))
    }
    assert {action for action in told if f"audit.did.{action}" not in i18n.catalogue()} == set()
