"""What is done to the way between a gateway and its server, by the kernel or by the server itself."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

GATEWAY, SERVER = "10.88.0.1", "10.88.0.2"
DROP_ALL = "drop"
DROP_30_PERCENT = "numgen random mod 100 < 30 drop"


def run(*words: str, rules: str | None = None) -> None:
    subprocess.run(words, check=True, input=rules, text=True)


class Way:
    """Two namespaces joined by a veth pair; this process is in the gateway's."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self.name, self.say = name, say

    def build(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", "gateway", "type", "veth", "peer", "name", "server", "netns", self.name)
        run("ip", "addr", "add", f"{GATEWAY}/24", "dev", "gateway")
        run("ip", "link", "set", "gateway", "up")
        self.there("ip", "link", "set", "lo", "up")
        self.there("ip", "addr", "add", f"{SERVER}/24", "dev", "server")
        self.there("ip", "link", "set", "server", "up")

    def there(self, *words: str, rules: str | None = None) -> None:
        """Run a command in the server's namespace."""
        run("ip", "netns", "exec", self.name, *words, rules=rules)

    def filter(self, verdict: str) -> None:
        chains = "\n".join(
            f'chain {hook} {{ type filter hook {hook} priority 0; {end} "server" {verdict}; }}'
            for hook, end in (("input", "iifname"), ("output", "oifname"))
        )
        self.there("nft", "-f", "-", rules=f"table inet weather {{\n{chains}\n}}\n")

    def clear(self) -> None:
        self.there("nft", "flush", "ruleset")

    def slow(self) -> None:
        shape = ("root", "tbf", "rate", "64kbit", "burst", "1600", "latency", "2s")
        run("tc", "qdisc", "add", "dev", "gateway", *shape)
        self.there("tc", "qdisc", "add", "dev", "server", *shape)

    def fast(self) -> None:
        run("tc", "qdisc", "del", "dev", "gateway", "root")
        self.there("tc", "qdisc", "del", "dev", "server", "root")


@dataclass(frozen=True)
class Weather:
    """One sort of outage: what begins it, what ends it, and how soon a frame must be back then."""

    name: str
    lasts_s: float
    begin: Callable[[Way], None]
    end: Callable[[Way], None]
    back_s: float | None
    """None: frames flow meanwhile."""


def _down(way: Way) -> None:
    run("ip", "link", "set", "gateway", "down")


def _up(way: Way) -> None:
    run("ip", "link", "set", "gateway", "up")


def _black_hole(lasts_s: float) -> Weather:
    return Weather(f"black hole {lasts_s:.0f} s", lasts_s, lambda way: way.filter(DROP_ALL), Way.clear, 2.0)


REFUSED_BACK_S = 21.0
"""Up to 20 s of spread, then the handshake."""
WEATHERS = (
    _black_hole(4),
    _black_hole(5),
    _black_hole(10),
    _black_hole(30),
    _black_hole(60),
    Weather("interface down 20 s", 20, _down, _up, 2.0),
    Weather(
        "30 % loss (nftables numgen), 30 s", 30, lambda way: way.filter(DROP_30_PERCENT), Way.clear, None
    ),
    Weather("64 kbit/s (tbf), 30 s", 30, Way.slow, Way.fast, None),
    Weather(
        "2 s of delay each way (relay), 30 s",
        30,
        lambda way: way.say("delay 2"),
        lambda way: way.say("delay 0"),
        None,
    ),
    Weather(
        "socket closed once",
        0,
        lambda way: way.say("drop"),
        lambda way: way.say("serve") if "udp" in way.name else None,
        REFUSED_BACK_S,
    ),
    Weather(
        "server refuses 10 s", 10, lambda way: way.say("refuse"), lambda way: way.say("serve"), REFUSED_BACK_S
    ),
)
