"""What a proxy of ours must do, tried from outside: HTTPS alone, its own headers, no CBC, bounded files."""

import json
import re
from random import Random

from PIL import Image

from tests.booted.machine import Machine

NAME = "supervision.exemple.fr"
URL = f"https://{NAME}"
CURL = "curl --silent --show-error --max-time 60"
STATUS = "--output /dev/null --write-out '%{http_code}'"
STREAM_S = 75
"""Longer than what proxies wait for by themselves: nginx 60 s."""
STREAM_ALIVE_US = 60_000_000
PHOTO_PIXELS = (1600, 1200)
PHOTO_LEAST_BYTES = 1_500_000
"""More than nginx takes by itself: 1 MB."""
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


def send_photo(machine: Machine, ticket: int, *, seed: int) -> None:
    """Send a photo as a technician's phone does, another for each seed; ``session`` is somebody's cookie."""
    noise = Random(seed).randbytes(3 * PHOTO_PIXELS[0] * PHOTO_PIXELS[1])
    path = machine.root / "root" / "photo.jpg"
    Image.frombytes("RGB", PHOTO_PIXELS, noise).save(path, quality=90)
    assert path.stat().st_size > PHOTO_LEAST_BYTES
    page = f"{URL}/tickets/{ticket}"
    before = machine.run(f"{CURL} --fail --cookie session {page}")
    form = f"--form csrf_token={_token(before)} --form file=@photo.jpg"
    assert machine.run(f"{CURL} {STATUS} --cookie session {form} {page}/photo") == "303"
    after = machine.run(f"{CURL} --fail --cookie session {page}")
    assert after.count("/photos/") > before.count("/photos/")


def open_account(machine: Machine, name: str, role: str, password: str) -> None:
    """Open an account on the page of people, as the administrator whose cookie ``session`` is."""
    page = f"{URL}/personnes"
    token = _token(machine.run(f"{CURL} --fail --cookie session {page}"))
    fields = {"csrf_token": token, "name": name, "role": role, "password": password}
    form = " ".join(f"--data-urlencode {field}={value}" for field, value in fields.items())
    assert machine.run(f"{CURL} {STATUS} --cookie session {form} {page}") == "303"


def _token(page: str) -> str:
    """Return what a form of the page must carry."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def follow_stream(machine: Machine) -> None:
    """Follow the events of a page for longer than a proxy's own patience."""
    text = machine.run(
        f"curl --silent --no-buffer --max-time {STREAM_S} --cookie session {URL}/vivant", check=False
    )
    instants = [
        json.loads(line.removeprefix("data: "))["at_us"]
        for line in text.splitlines()
        if line.startswith("data: ") and line.endswith("}")
    ]
    assert instants, text
    assert instants[-1] - instants[0] > STREAM_ALIVE_US
