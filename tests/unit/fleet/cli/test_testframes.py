"""The fleet asks one gateway to send and another to hear, with one nonce, and shows what both said."""

import json

import msgspec
import pytest
from sqlalchemy import select, update

from agent.wire.command import Action, decode_command
from agent.wire.envelope import decode_envelope
from fleet.cli.commands import open_fleet
from fleet.cli.main import main
from fleet.cli.testframes import Asked, answers
from fleet.configurations.tables import instructions
from tests.unit.fleet.founded import DOCUMENT, EUIS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "registry.json").write_text(json.dumps(DOCUMENT))
    assert main(["init", "--data", str(folder)]) == 0
    assert main(["import", "--data", str(folder), str(folder / "registry.json")]) == 0
    return folder


def ask(data, sender, listener, *more):
    return main(["test-frame", "--data", str(data), "--from", sender, "--to", listener, *more])


def test_both_get_a_signed_command_with_one_nonce(data, capsys):
    assert ask(data, EUIS[0], EUIS[1]) == 0
    assert "queued" in capsys.readouterr().out
    database = open_fleet(data)[1]
    with database.read() as connection:
        columns = (instructions.c.eui, instructions.c.version, instructions.c.envelope)
        rows = connection.execute(select(*columns)).all()
    commands = {row.eui: decode_command(decode_envelope(row.envelope).payload) for row in rows}
    assert commands[EUIS[0]].action is Action.SEND_TEST_FRAME
    assert commands[EUIS[1]].action is Action.HEAR_TEST_FRAME
    assert commands[EUIS[0]].nonce == commands[EUIS[1]].nonce != ""
    assert {one.sender for one in commands.values()} == {EUIS[0]}
    numbers = {row.eui: row.version for row in rows}
    asked = (
        Asked(eui=EUIS[1], role="listener", version=numbers[EUIS[1]]),
        Asked(eui=EUIS[0], role="sender", version=numbers[EUIS[0]]),
    )
    with database.write() as connection:
        assert answers(connection, asked) == {}
        said = (
            update(instructions)
            .where(instructions.c.eui == EUIS[1])
            .values(reply_ok=False, reply_text="0 of 3 heard")
        )
        connection.execute(said)
        assert answers(connection, asked) == {"listener": f"{EUIS[1]} (listener): FAILED, 0 of 3 heard"}
    database.close()


def test_no_answer_is_said(data, capsys):
    assert ask(data, EUIS[0], EUIS[1], "--wait", "1") == 0
    assert capsys.readouterr().out.count("no answer in 1 s") == 2


@pytest.mark.parametrize(
    ("sender", "listener", "more", "words_told"),
    [
        (EUIS[0], EUIS[0], (), "cannot hear itself"),
        (EUIS[0], "0016c001f1999999", (), "no such gateway"),
        (EUIS[0], EUIS[1], ("--wait", "601"), "--wait"),
        ("x", EUIS[1], (), "16"),
    ],
)
def test_a_mistake_is_one_line(data, capsys, sender, listener, more, words_told):
    assert ask(data, sender, listener, *more) == 2
    assert words_told in capsys.readouterr().err


def test_an_old_gateway_still_understands_the_commands_it_knows():
    from agent.wire.command import Command, encode_command

    assert msgspec.json.decode(encode_command(Command(action=Action.REBOOT))) == {"action": "reboot"}
