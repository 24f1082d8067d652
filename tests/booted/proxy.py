"""What a proxy of ours must do, tried from outside: HTTPS alone, its own headers, no CBC, bounded files."""

from tests.booted.machine import Machine

NAME = "supervision.exemple.fr"
URL = f"https://{NAME}"
CURL = "curl --silent --show-error --max-time 60"
STATUS = "--output /dev/null --write-out '%{http_code}'"
FREE_TRIES = 5
"""As of ``fleet.identity.attempts``."""


def check(machine: Machine, stranger: str) -> None:
    """Check the proxy; ``stranger`` is the name of no account, and of no earlier check."""
    led = machine.run(
        f"{CURL} --output /dev/null --write-out '%{{http_code}} %{{redirect_url}}' 'http://{NAME}/carte?a=1'"
    )
    assert led == f"308 {URL}/carte?a=1"
    health = machine.run(f"{CURL} {URL}/healthz")
    assert '"proxy_faults":{}' in health, health
    machine.run(f"{CURL} --fail --tls-max 1.2 --output /dev/null {URL}/connexion")
    cbc = "--tls-max 1.2 --ciphers ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA"
    assert "alert" in machine.run(f"{CURL} {cbc} {URL}/connexion 2>&1", check=False)
    form = f"--data-urlencode name={stranger} --data-urlencode password=un-essai-de-plus"
    answers = [
        machine.run(f"{CURL} {STATUS} --header 'X-Forwarded-For: 192.0.2.{number}' {form} {URL}/connexion")
        for number in range(FREE_TRIES + 1)
    ]
    assert answers == ["303"] * FREE_TRIES + ["429"], "a client's own X-Forwarded-For makes it somebody else"
    machine.run("head --bytes=17M /dev/zero > /tmp/large")
    large = f"{CURL} {STATUS} --data-binary @/tmp/large {URL}/registre/essai"
    assert machine.run(large, check=False).startswith("413")
