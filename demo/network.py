"""The gateways of the demo, from the document that the fleet manager imports."""

import json
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parent / "data" / "touraine_est_vallees.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGateway:
    """One gateway, where it stands and what feeds it."""

    eui: str
    name: str
    lat: float
    lon: float
    feeder: str


def planned_gateways(document: Path = DOCUMENT) -> list[PlannedGateway]:
    """Return the gateways of a ``fleet import`` document, in its order."""
    network = json.loads(document.read_text(encoding="utf-8"))
    sites = {site["key"]: site for site in network["sites"]}
    return [
        PlannedGateway(
            eui=gateway["eui"],
            name=gateway["name"],
            lat=sites[gateway["site_key"]]["lat"],
            lon=sites[gateway["site_key"]]["lon"],
            feeder=sites[gateway["site_key"]]["power_feeder"],
        )
        for gateway in network["gateways"]
    ]


def receiver_map(receivers: list[str], gateways: list[str]) -> dict[str, str]:
    """Return which virtual gateway stands for which receiver of a frames file.

    The receivers that heard most come first in ``receivers``; they are dealt out one by one, there and
    back again, so that every gateway gets about the same number of frames.

    >>> receiver_map(["a", "b", "c", "d", "e"], ["G", "H"])
    {'a': 'G', 'b': 'H', 'c': 'H', 'd': 'G', 'e': 'G'}
    """
    there_and_back = gateways + gateways[::-1]
    return {receiver: there_and_back[n % len(there_and_back)] for n, receiver in enumerate(receivers)}
