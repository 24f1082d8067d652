"""Answers as the OpenAPI document shows them: examples, and the problems that any route may answer."""

from typing import Any

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "reason": {"type": "string"},
    },
}


def problem(description: str, **example: object) -> dict[str, Any]:
    """Return the description of one problem."""
    content = {"schema": PROBLEM_SCHEMA, "example": {"type": "about:blank"} | example}
    return {"description": description, "content": {"application/problem+json": content}}


def shown(description: str, example: object) -> dict[str, Any]:
    """Return the description of an answer with an example."""
    content = {"schema": {"type": "object"}, "example": example}
    return {"description": description, "content": {"application/json": content}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: problem("Nobody is logged in.", title="Login needed", status=401, detail="log in first"),
    403: problem("Not allowed.", title="Not allowed", status=403, detail="needs the role operator"),
    404: problem("Not there.", title="No such gateway", status=404, detail="eui: no gateway …", field="eui"),
    422: problem("The request is not valid.", title="Request not valid", status=422, detail="query.limit: …"),
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As `If-None-Match` says."}}
CERTIFICATE_REFUSALS: dict[int | str, dict[str, Any]] = {
    403: problem(
        "The token or certificate does not allow it.",
        title="Refused",
        status=403,
        detail="proof: this token has expired; ask for a new work order",
        field="proof",
        reason="expired",
    ),
    409: problem(
        "The token was used with another key.",
        title="Refused",
        status=409,
        detail="proof: this token was used already with another key; ask for a new work order",
        field="proof",
        reason="used",
    ),
    429: problem("Too often.", title="Too often", status=429, detail="try again in 12 s", retry_after_s=12),
    413: problem("Too large.", title="Too large", status=413, detail="body: at most 16384 bytes"),
    422: problem("Not acceptable.", title="Request not valid", status=422, detail="csr_pem: …"),
}
CERTIFICATE = shown(
    "Certificate for 90 days.",
    {"certificate_pem": "-----BEGIN CERTIFICATE-----…", "ca_pem": "-----BEGIN CERTIFICATE-----…"},
)
GATEWAY: dict[str, Any] = {
    "eui": "0016c001f12a3b4c",
    "name": "Vouvray, mairie",
    "status": "in_service",
    "site": {"key": "vouvray-mairie", "name": "Mairie de Vouvray", "kind": "town_hall"},
    "commune_insee": "37281",
    "state": "DOWN",
    "since_us": 1_795_358_680_497_242,
    "proved": False,
    "suspect": False,
    "incoherent": False,
    "cause": "unknown",
    "reason": "silent since the last proof of life",
    "last_word_us": 1_795_358_680_498_244,
    "radio": "RECEIVING",
    "config": {"desired_version": 2, "reported_version": 2, "state": "CONFIRMED", "in_force": True},
}
COMMUNE: dict[str, Any] = {
    "insee": "37281",
    "name": "Vouvray",
    "epci": "CC Touraine-Est Vallées",
    "departement": "37",
    "population": 3200,
    "now": {"state": "LOST", "budget_left_us": 20_336_148_437, "breach_at_us": 1_795_379_410_091_243},
}
_INDICATORS: dict[str, Any] = {
    "served": 96_024_291_200,
    "charged": 0,
    "availability_percent": "100.0000",
    "met": True,
    "standing": "KEPT",
    "why": "NOTHING_LOST_MATTERS",
    "objective_ppm": 999_700,
    "communes": 10,
    "covered": 10,
    "below_objective": 0,
    "deferred": {"served": 96_024_291_200, "charged": 0, "availability_percent": "100.0000"},
    "budget_us": 777_600_000,
    "budget_left_us": 777_600_000,
    "breach_at_us": None,
    "burn": [
        {
            "long_us": 3_600_000_000,
            "short_us": 300_000_000,
            "factor": "14.400",
            "long": "0.000",
            "short": "0.000",
            "alerts": False,
        }
    ],
    "gateways": 11,
    "mean_of_gateways_percent": "99.9990",
    "outages": 2,
    "mtbf_us": 1_296_000_000_000,
    "mttr_us": 25_000_000,
    "below_two_percent": "1.2000",
    "below_two_domains_percent": {"backhaul_operator": "4.1000", "power_feeder": "1.2000"},
    "lost_by_us": [{"cause": "power", "responsible": "énergie", "lost_us": 0}],
}
AVAILABILITY: dict[str, Any] = {
    "month": "2026-11",
    "provisional": True,
    "closed_version": None,
    "hash": "5f0c…",
    "standing": "KEPT",
    "whole": _INDICATORS,
    "by_serving": {
        "any": {"served": 96_024_291_200, "charged": 0, "availability_percent": "100.0000"},
        "all": {"served": 95_024_291_200, "charged": 1_000_000_000, "availability_percent": "98.9585"},
        "sensors": None,
    },
    "sensors": 0,
    "not_covered": [],
    "by": "commune",
    "items": [{"insee": "37281", "name": "Vouvray"} | _INDICATORS | {"objective_ppm": 992_000}],
    "next": None,
}
CONNECTIVITY: dict[str, Any] = {
    "month": "2026-10",
    "objects": 1200,
    "days_counted": 31,
    "daily_percent": "93.1200",
    "daily_objective_ppm": 900_000,
    "daily_met": True,
    "fortnight_percent": "97.0000",
    "fortnight_objective_ppm": 950_000,
    "fortnight_met": True,
    "monthly_percent": "98.1000",
    "monthly_objective_ppm": 950_000,
    "monthly_met": True,
    "redundant_percent": "88.2000",
    "redundant_frames_percent": "80.7000",
    "addresses_mean": 1310,
    "days": [
        {
            "day": "2026-10-01",
            "verifiable": True,
            "objects": 1200,
            "heard": 1118,
            "heard_fortnight": 1165,
            "addresses": 1310,
            "addresses_redundant": 1155,
            "addresses_by_gateways": {"1": 155, "2": 700, "3": 455},
        }
    ],
}
