import pytest

from agent.configuration.model import Arrived, Booted, Held, Ledger, State, Tick
from agent.configuration.step import Now, reported, step
from agent.wire.command import CommandError, decode_command
from agent.wire.envelope import Kind
from agent.wire.words import french_reason
from tests.controlpath.virtual import EUI, SigningFleet, configuration

FLEET = SigningFleet()
GOOD = configuration()


def now(monotonic_us: int = 0) -> Now:
    return Now(
        monotonic_us=monotonic_us,
        utc_us=10,
        utc_trusted=True,
        device=EUI,
        key=FLEET.key.public_key(),
        good=GOOD,
    )


START = State(ledger=Ledger(good=Held(version=1, sha256="0" * 64, slot="a"), seen_version=1))
TRIAL, _ = step(START, Arrived(payload=FLEET.configuration(2, configuration(permit_needed=True))), now())


@pytest.mark.parametrize(
    ("state", "event", "words"),
    [
        (TRIAL, Tick(), "la flotte ne l’a pas confirmée en 300 s"),
        (TRIAL, Booted(), "a redémarré pendant l’essai"),
        (START, Arrived(payload=b"?"), "message illisible"),
        (START, Arrived(payload=SigningFleet().configuration(2, GOOD)), "signature"),
        (START, Arrived(payload=FLEET.configuration(0, GOOD)), "trop ancienne"),
        (START, Arrived(payload=FLEET.configuration(2, GOOD, expires_at_us=1)), "périmée"),
        (START, Arrived(payload=FLEET.configuration(2, GOOD, device="0016c001f12a3b4d")), "destinée à"),
    ],
)
def test_what_the_machine_of_configurations_says_is_known_in_french(
    state: State, event: object, words: str
) -> None:
    after, _ = step(state, event, now(10**12))  # type: ignore[arg-type]
    said = french_reason(reported(after, now()).reason)
    assert words in said
    assert "version 2 rolled" not in said


def test_an_unknown_sentence_passes_through() -> None:
    assert french_reason("something {new}") == "something {new}"
    assert french_reason("") == ""


@pytest.mark.parametrize(
    ("reason", "french"),
    [
        ("started, EUI 0016c001f1370001", "démarrée, EUI 0016c001f1370001"),
        ("lns.example.fr: [Errno 111] Connection refused", "lns.example.fr\u202f: connexion refusée"),
        ("no answer for 30 s", "pas de réponse depuis 30 s"),
        ("radio DEAF for 10 min", "radio sourde depuis 10 min"),
        (
            "counter 12 us, AGC 0x10 parity ok, ARB parity LOST, temperature 31.5 C; not receiving",
            "compteur 12 µs, AGC 0x10 parité bonne, ARB parité PERDUE, température 31.5 °C"
            "\u202f; ne reçoit pas",
        ),
    ],
)
def test_what_a_gateway_says_of_itself(reason: str, french: str) -> None:
    assert french_reason(reason) == french


@pytest.mark.parametrize(
    ("document", "french"),
    [
        (b'{"radio":{"board":5}}', "radio.board\u202f: texte attendu, nombre reçu"),
        (b'{"radio":{"region":"US915"}}', "radio.region\u202f: 'US915' n’est pas admis"),
        (b'{"radio":{"antenna_gain_db":-6}}', "radio.antenna_gain_db\u202f: au moins 0.0 attendu"),
        (b'{"radio":{"antenna_gain_db":99}}', "radio.antenna_gain_db\u202f: au plus 15.0 attendu"),
        (b'{"radios":{}}', "champ inconnu radios"),
        (b'{"connectors":[],"fleet":{"host":"f"}}', "il manque le champ port"),
        (b'{"connectors":[],"fleet":{"host":"a b","port":1}}', "fleet.host\u202f: forme inattendue"),
        (b'{"connectors":[],"fleet":{"host":"f","port":1}}', "il en faut au moins un"),
        (b'{"metrics_port":"a"}', "metrics_port\u202f: nombre attendu, texte reçu"),
    ],
)
def test_a_document_that_does_not_fit_is_told_by_its_field(document: bytes, french: str) -> None:
    envelope = FLEET.envelope(Kind.CONFIGURATION, 2, document)
    after, _ = step(START, Arrived(payload=envelope), now())
    assert french in french_reason(reported(after, now()).reason)


def test_a_command_that_is_none_is_told_in_french() -> None:
    with pytest.raises(CommandError) as refused:
        decode_command(b'{"action":"shell"}')
    assert french_reason(str(refused.value)) == (
        "commande hors de la liste\u202f: action\u202f: 'shell' n’est pas admis"
    )
