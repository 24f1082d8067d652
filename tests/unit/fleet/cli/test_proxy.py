"""`fleet proxy-config`: for this fleet's address, or a sentence; nginx and Caddy themselves: tests/booted."""

from pathlib import Path

import pytest

from fleet.cli.main import main
from fleet.cli.proxy import CIPHERS, Proxy, rendered
from fleet.errors import MistakeError
from fleet.settings import Founded, write_settings
from fleet.web.bodies import LARGEST_BYTES, limit_of
from fleet.web.pages.live import STREAM_PATH
from fleet.web.pages.wall import WALL_STREAM_PATH

PEM, KEY = Path("/etc/ssl/a.pem"), Path("/etc/ssl/a.key")


def file_of(program, public="https://supervision.exemple.fr", **more):
    options = {"certificate": PEM, "key": KEY, "upstream": "127.0.0.1:8080"} | more
    return rendered(program, public, **options)


@pytest.mark.parametrize("program", list(Proxy))
def test_what_every_proxy_must_do_stands_in_its_file(program):
    text = file_of(program)
    for wanted in (
        "supervision.exemple.fr",
        str(PEM),
        str(KEY),
        "127.0.0.1:8080",
        STREAM_PATH,
        WALL_STREAM_PATH,
        "308",
    ):
        assert wanted in text
    assert CIPHERS[program] in text
    assert "CBC" not in CIPHERS[program]
    assert "$proxy_add_x_forwarded_for" not in text
    assert "16m" in text.lower()


def test_the_proxy_lets_through_what_every_form_takes():
    assert LARGEST_BYTES <= 16 * 1024 * 1024
    assert limit_of("/tickets/7/photo") <= LARGEST_BYTES


def test_another_port_stands_in_addresses(capsys):
    assert "listen 8443 ssl" in file_of(Proxy.NGINX, "https://s.exemple.fr:8443")
    assert "return 308 https://s.exemple.fr:8443$request_uri" in file_of(
        Proxy.NGINX, "https://s.exemple.fr:8443"
    )
    assert "https://s.exemple.fr:8443 {" in file_of(Proxy.CADDY, "https://s.exemple.fr:8443")


@pytest.mark.parametrize("public", ["http://supervision.exemple.fr", "", "https://"])
def test_an_address_without_https_is_refused_with_the_command(public):
    with pytest.raises(MistakeError, match="settings set public_url="):
        file_of(Proxy.NGINX, public)


@pytest.mark.parametrize("path", ["a.pem", "/etc/a b.pem", "/etc/a;}.pem", '/etc/"a.pem'])
def test_a_path_that_would_be_read_otherwise_is_refused(path):
    with pytest.raises(MistakeError, match="whole path"):
        file_of(Proxy.NGINX, certificate=Path(path))


def test_on_the_command_line(tmp_path, capsys):
    founded = Founded(public_url="https://supervision.exemple.fr", broker_host="b", broker_port=8883)
    write_settings(tmp_path, founded)
    data = ["--data", str(tmp_path)]
    assert main(["proxy-config", *data, "nginx"]) == 0
    assert "ssl_certificate /etc/ssl/passerelle/supervision.pem;" in capsys.readouterr().out
    assert main(["proxy-config", *data, "caddy", "--upstream", "10.0.0.2:9000"]) == 0
    assert "reverse_proxy 10.0.0.2:9000 {" in capsys.readouterr().out
    assert main(["proxy-config", *data, "apache"]) == 2
