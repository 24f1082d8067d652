"""Desired beside reported configurations, and the plan of a push: who would change what."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from agent.wire.configuration import (
    Configuration,
    ConfigurationError,
    is_secret,
    is_service_affecting,
    without_secrets,
)
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
class Field:
    """One setting in the form; an empty value means: as it is."""

    path: str
    label: str
    value: str
    rule: str
    error: str
    known: bool
    """One that people change; the others stand behind a key."""


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


def fields_of(
    words: Words, versions: Iterable[Version], typed: Mapping[str, str], wrong: PlanRefused | None
) -> list[Field]:
    """Return the form's settings; one that differs between the gateways is left empty."""
    flats = [flatten(version.configuration) for version in versions]
    if not flats:
        return []
    found = []
    for path in (path for path in flats[0] if not is_secret(path)):
        values = {flat.get(path, "") for flat in flats}
        same = values.pop() if len(values) == 1 else ""
        label = words.t(f"setting.{path}") if path in KNOWN else path
        rule = path if same else words.t("rollouts.varies", path=path)
        if path.endswith(".kind") and same in PATHS:
            rule = f"{path} · {_in_words(words.lang, same)}"
        error = words.refusal(wrong.why) if wrong is not None and wrong.path == path else ""
        value = typed.get(path, same)
        found.append(Field(path=path, label=label, value=value, rule=rule, error=error, known=path in KNOWN))
    found += _connector_fields(words, flats[0], typed, wrong)
    return sorted(found, key=lambda field: KNOWN.index(field.path) if field.known else len(KNOWN))


def _connector_fields(
    words: Words, flat: Mapping[str, str], typed: Mapping[str, str], wrong: PlanRefused | None
) -> list[Field]:
    """Return the fields that remove a connector or add the next one; all are empty until somebody types."""
    indices = sorted({int(path.split(".")[1]) for path in flat if path.startswith("connectors.")})
    named = {f"connectors.{index}": "rollouts.remove_connector" for index in indices}
    named |= {f"connectors.{len(indices)}.{name}": "rollouts.add_connector" for name in ADDED}
    return [
        Field(
            path=path,
            label=words.t(label, path=path),
            value=typed.get(path, ""),
            rule=path,
            error=words.refusal(wrong.why) if wrong is not None and wrong.path == path else "",
            known=False,
        )
        for path, label in named.items()
    ]


ADDED: Final = ("name", "kind", "host", "port", "tls", "priority")
"""What the page asks for of a new connector; the rest is set once it is there."""
KNOWN: Final = (
    "connectors.0.kind",
    "connectors.0.host",
    "connectors.0.port",
    "connectors.0.replay",
    "connectors.0.spare_delivered",
    "intervals.heartbeat_s",
    "intervals.stat_s",
    "intervals.config_trial_s",
    "radio.antenna_gain_db",
    "radio.cable_loss_db",
    "limits.spool_records",
    "limits.spool_bytes",
    "limits.spool_age_s",
    "fleet.host",
    "fleet.port",
)
"""Settings with a name in the catalogue; others are shown by their path."""


def changes_of(fields: Iterable[Field], shown: Iterable[Field]) -> dict[str, str]:
    """Return path → typed value of what the person changed; empty stays as it is."""
    before = {field.path: field.value for field in shown}
    return {
        field.path: field.value.strip()
        for field in fields
        if field.value.strip() and field.value.strip() != before.get(field.path)
    }


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
