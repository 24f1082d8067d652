"""A user's mistake is one line on stderr that names the option, and exit status 2."""

import pytest

from demo.cli import main


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--bogus"], "--bogus"),
        (["--speed", "fast"], "--speed"),
        (["--speed", "-1"], "--speed"),
        (["--gateways", "3"], "--gateways"),
        (["--frames", "/nonexistent"], "--frames"),
        (["--report", "xml"], "--report"),
        (["--port", "0"], "--port"),
    ],
)
def test_a_mistake_names_the_option(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert named in said
    assert len(said.splitlines()) == 1
