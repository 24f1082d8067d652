"""`passerelle fleet proxy-config nginx|caddy`: the reverse proxy's file, for this fleet's public address."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from typer import Argument, Option

from fleet.child.process import REPORT_LIMIT_S, TURN_LIMIT_S
from fleet.cli.folder import Data
from fleet.errors import MistakeError
from fleet.settings import parse_host_port, read_founded
from fleet.web.bodies import LARGEST_BYTES, UNBOUNDED_HERE
from fleet.web.pages.live import STREAM_PATH
from fleet.web.pages.wall import WALL_STREAM_PATH

TEMPLATES = Path(__file__).parents[1] / "units"
PORT = 8080
"""Where our own unit listens."""
ANSWER_LIMIT_S = int(TURN_LIMIT_S + REPORT_LIMIT_S) + 30
"""The longest answer, a month's report in a child of its own after its turn, and some."""
CIPHERS = {
    "nginx": "ECDHE+AESGCM:ECDHE+CHACHA20",
    "caddy": " ".join(
        f"TLS_ECDHE_{key}_WITH_{cipher}"
        for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
        for key in ("ECDSA", "RSA")
    ),
}
"""For TLS 1.2, in each program's words (RFC 9325 §4.2: no CBC); those of TLS 1.3 are not chosen."""


class Proxy(StrEnum):
    """A program whose file we print and test."""

    NGINX = "nginx"
    CADDY = "caddy"


def proxy_config(
    data: Data,
    program: Annotated[Proxy, Argument(help="Whose file.")],
    certificate: Annotated[
        Path, Option(help="PEM of the certificate and what stands between it and its root.")
    ] = Path("/etc/ssl/passerelle/supervision.pem"),
    key: Annotated[Path, Option(help="PEM of its key.")] = Path("/etc/ssl/passerelle/supervision.key"),
    upstream: Annotated[str, Option(help="HOST:PORT of `fleet serve`.")] = f"127.0.0.1:{PORT}",
) -> None:
    """Print the file of the HTTPS proxy before the fleet manager, for its public address."""
    host, port = parse_host_port(upstream, name="--upstream", default_port=PORT)
    public_url = read_founded(data).public_url
    text = rendered(program, public_url, certificate=certificate, key=key, upstream=f"{host}:{port}")
    print(text, end="")


def rendered(program: Proxy, public_url: str, *, certificate: Path, key: Path, upstream: str) -> str:
    """Return the proxy's file.

    Raises:
        MistakeError: the public address has no name, or is not https.
    """
    public = urlsplit(public_url)
    if public.scheme != "https" or not public.hostname:
        hint = "passerelle fleet settings set public_url=https://supervision.exemple.fr"
        raise MistakeError(f"public_url: {public_url!r} is not https://NAME; {hint}")
    for path in (certificate, key):
        if not path.is_absolute() or any(each in str(path) for each in " \t\n;{}\"'"):
            raise MistakeError(f"{path}: a whole path, without spaces, quotes, semicolons or braces")
    template = (TEMPLATES / f"proxy.{program}").read_text(encoding="utf-8")
    port = public.port or 443
    return template.format(
        name=public.hostname,
        port=port,
        authority=public.hostname if port == 443 else f"{public.hostname}:{port}",
        certificate=certificate,
        key=key,
        upstream=upstream,
        ciphers=CIPHERS[program],
        body_mib=-(-LARGEST_BYTES // (1024 * 1024)),
        answer_s=ANSWER_LIMIT_S,
        stream=STREAM_PATH,
        wall_stream=WALL_STREAM_PATH,
        speed=UNBOUNDED_HERE,
    )
