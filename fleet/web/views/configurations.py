"""Desired beside reported configurations, and the plan of a push: who would change what."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from agent.wire.configuration import Configuration, ConfigurationError, is_service_affecting
from agent.wire.hidden import without_secrets
from agent.wire.messages import ConfigState
from agent.wire.paths import PATHS
from fleet.configurations.change import change, differences, flatten
from fleet.configurations.status import ConfigurationStatus
from fleet.configurations.store import Version, newest_version, version_history
from fleet.lang.text import collation
from fleet.registry.store import Gateway
from fleet.rollouts.layering import explained
from fleet.rollouts.words import origin_in_words
from fleet.web.rendering import Words

ALL: Final = "all"
_STEPS: Final = {
    ConfigState.CONFIRMED: "running",
    ConfigState.TRIAL: "trial",
    ConfigState.REFUSED: "refused",
    ConfigState.ROLLED_BACK: "rolled_back",
    ConfigState.WAITING: "waiting",
    ConfigState.FETCHING: "fetching",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRow:
    """One gateway's configuration."""

    eui: str
    name: str
    desired: int | None
    running: int | None
    step: str
    reason: str
    by_gateway: bool
    """The gateway gave the reason; else a person did, for the change."""
    who: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What one gateway would get."""

    eui: str
    name: str
    configuration: Configuration
    changes: Mapping[str, tuple[str, str]]


class PlanRefused(ValueError):
    """A value that no configuration may have; names the path."""

    def __init__(self, path: str, why: ConfigurationError) -> None:
        super().__init__(str(why))
        self.path, self.why = path, why


def step_of(status: ConfigurationStatus | None) -> str:
    """Return where the newest version is on its way."""
    if status is None or status.desired_version is None:
        return "none"
    reported = status.reported
    if reported is not None and reported.seen_version >= status.desired_version:
        return _STEPS[reported.state]
    return "sent" if status.published else "queued"


def rows_of(
    gateways: Iterable[Gateway], statuses: Mapping[str, ConfigurationStatus], newest: Mapping[str, Version]
) -> list[ConfigRow]:
    """Return a row for each gateway, those that are not settled first."""
    rows = []
    for gateway in gateways:
        status, version = statuses.get(gateway.eui), newest.get(gateway.eui)
        reported = status.reported if status else None
        rows.append(
            ConfigRow(
                eui=gateway.eui,
                name=gateway.name,
                desired=status.desired_version if status else None,
                running=reported.version if reported else None,
                step=step_of(status),
                reason=(reported.reason if reported else "") or (version.reason if version else ""),
                by_gateway=bool(reported and reported.reason),
                who=version.issued_by if version else "",
                at_us=version.issued_at_us if version else 0,
            )
        )
    calm = ("running", "none")
    return sorted(rows, key=lambda row: (row.step in calm, collation(row.name)))


def of_gateway(
    words: Words, connection: Connection, eui: str, status: ConfigurationStatus | None
) -> dict[str, Any]:
    """Return desired beside reported, setting by setting, and the sentence above it."""
    desired = newest_version(connection, eui)
    if desired is None:
        return {
            "settings": [],
            "origins": {},
            "differing": [],
            "settings_sentence": "",
            "settings_reason": "",
            "lns_path": "",
        }
    reported = status.reported if status else None
    versions = {one.version: one for one in version_history(connection, eui)}
    running = versions.get(reported.version) if reported else None
    wanted = flatten(without_secrets(desired.configuration))
    present = flatten(without_secrets(running.configuration)) if running else {}
    settings = [(path, value, present.get(path) if running else None) for path, value in wanted.items()]
    step = step_of(status)
    values: dict[str, object] = {}
    if reported is None:
        key = "config.sentence.unknown"
    elif step == "running" and reported.version == desired.version:
        key = "config.sentence.running"
    else:
        key, values = "config.sentence.other", {"running": reported.version}
    sentence = words.t(key, desired=desired.version, step=words.t(f"config.step.{step}"), **values)
    differing = [row for row in settings if row[2] is not None and row[1] != row[2]]
    return {
        "settings": settings,
        "origins": {one.path: origin_in_words(words.lang, one) for one in explained(connection, eui)},
        "differing": differing,
        "settings_sentence": sentence,
        "settings_reason": reported.reason if reported else "",
        "lns_path": path_in_use(words.lang, (running or desired).configuration),
    }


def path_in_use(lang: str, configuration: Configuration) -> str:
    """Return the path to the contractual server, with what it can lose."""
    kinds = [connector.kind for connector in configuration.connectors if connector.contractual]
    return "; ".join(_in_words(lang, kind) for kind in kinds)


def _in_words(lang: str, kind: str) -> str:
    french, english = PATHS[kind]
    return french if lang == "fr" else english


def plan_of(
    versions: Mapping[str, Version], names: Mapping[str, str], changes: Mapping[str, str]
) -> list[Planned]:
    """Return what each gateway would get; gateways that have it already are left out.

    Raises:
        PlanRefused: a value outside its rule.
    """
    planned = []
    for eui, version in versions.items():
        after = _changed(version.configuration, changes)
        found = differences(version.configuration, after)
        if found:
            planned.append(Planned(eui=eui, name=names.get(eui, eui), configuration=after, changes=found))
    return planned


def _changed(before: Configuration, changes: Mapping[str, str]) -> Configuration:
    """Return the whole change; where it is refused, the first setting that is refused by itself is named."""
    try:
        return change(before, changes)
    except ConfigurationError as error:
        refusal = error
    for path, value in changes.items():
        try:
            change(before, {path: value})
        except ConfigurationError as error:
            raise PlanRefused(path, error) from error
    raise PlanRefused("", refusal)


def touches_service(versions: Mapping[str, Version], plan: Iterable[Planned]) -> bool:
    """Return whether frames may be missed or held up somewhere."""
    return any(is_service_affecting(versions[one.eui].configuration, one.configuration) for one in plan)


def stamp_of(versions: Mapping[str, Version]) -> str:
    """Return what tells whether somebody pushed meanwhile."""
    text = ",".join(f"{eui}={version.version}" for eui, version in sorted(versions.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
