"""The form of a configuration: every setting by its kind, in groups, those that people change first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from agent.wire.hidden import is_secret
from agent.wire.paths import PATHS
from fleet.configurations.change import REMOVED, flatten
from fleet.configurations.kinds import SettingKind, SettingRule, name_of, rule_of
from fleet.configurations.store import Version
from fleet.web.rendering import Words

FREQUENT: Final = (
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
"""Settings that stand first, in this order."""
ADDED: Final = ("name", "kind", "host", "port", "tls", "priority")
"""What the page asks for of a new connector; the rest is set once it is there."""
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting in the form."""

    path: str
    label: str
    value: str
    """As the document writes it; empty where the gateways differ, or nothing is set."""
    mixed: bool
    """The gateways differ: empty leaves each as it is."""
    kind: SettingKind
    choices: tuple[tuple[str, str], ...] = ()
    """(value, in words) of what can be chosen; empty: it is typed."""
    rule: str = ""
    error: str = ""
    bounds: Mapping[str, str] = field(default_factory=dict)
    """What the browser is told of a number's range or a text's length; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings that belong together."""

    key: str
    title: str
    fields: tuple[Field, ...]

    @property
    def wrong(self) -> bool:
        """Whether a value in it was refused."""
        return any(field.error for field in self.fields)


def groups_of(
    words: Words,
    versions: Iterable[Version],
    typed: Mapping[str, str] = NOTHING,
    errors: Mapping[str, str] = NOTHING,
) -> list[Group]:
    """Return the form's settings, with what was ``typed`` instead of what the gateways have.

    ``errors`` says by path, in words, why a value was refused.
    """
    flats = [flatten(version.configuration) for version in versions]
    if not flats:
        return []
    found: dict[str, list[Field]] = {"frequent": []}
    for path in flats[0]:
        values = {flat.get(path, "") for flat in flats}
        if is_secret(path) or any("\n" in value for value in values):
            continue
        same = next(iter(values)) if len(values) == 1 else None
        group = "frequent" if path in FREQUENT else _group_of(path)
        found.setdefault(group, []).append(_field(words, path, same, typed, errors))
    found["frequent"].sort(key=lambda field: FREQUENT.index(field.path))
    found["servers"] = list(_server_fields(words, flats[0], typed, errors))
    return [
        Group(key=key, title=_title(words, key, flats[0]), fields=tuple(fields))
        for key, fields in found.items()
    ]


def fields_of(groups: Iterable[Group]) -> list[Field]:
    """Return the fields of all groups."""
    return [field for group in groups for field in group.fields]


def changes_of(shown: Iterable[Field], typed: Mapping[str, str]) -> dict[str, str]:
    """Return path → typed value of what the person changed.

    A field that was emptied is a change to nothing; one that was empty stays as it is.
    """
    found = {}
    for asked in shown:
        value = typed.get(asked.path, asked.value).strip()
        if value != asked.value:
            found[asked.path] = value
    return found


def _group_of(path: str) -> str:
    first, *rest = path.split(".")
    if first == "connectors":
        return f"connectors.{rest[0]}"
    return first if rest else "gateway"


def _title(words: Words, key: str, flat: Mapping[str, str]) -> str:
    return words.t(f"setting.group.{name_of(key)}", name=flat.get(f"{key}.name", ""))


def _field(
    words: Words, path: str, same: str | None, typed: Mapping[str, str], errors: Mapping[str, str]
) -> Field:
    rule = rule_of(path) or SettingRule(name=path, kind=SettingKind.TEXT)
    value = typed.get(path, same or "")
    parts = [_range_of(words, rule), words.t("setting.rule.varies") if same is None else "", path]
    if rule.name == "connectors.kind" and same in PATHS:
        parts.insert(0, PATHS[same][0 if words.lang == "fr" else 1])
    return Field(
        path=path,
        label=words.setting(path),
        value=value,
        mixed=same is None,
        kind=rule.kind,
        choices=_choices_of(words, rule, value, mixed=same is None),
        rule=" · ".join(part for part in parts if part),
        error=errors.get(path, ""),
        bounds=_bounds_of(rule),
    )


def _server_fields(
    words: Words, flat: Mapping[str, str], typed: Mapping[str, str], errors: Mapping[str, str]
) -> Iterator[Field]:
    """Yield the fields that remove a connector or add the next one; all are empty until somebody types."""
    indices = sorted({int(path.split(".")[1]) for path in flat if path.startswith("connectors.")})
    for index in indices:
        path = f"connectors.{index}"
        yield Field(
            path=path,
            label=words.t("setting.server.removed", name=flat[f"{path}.name"]),
            value=typed.get(path, ""),
            mixed=False,
            kind=SettingKind.CHOICE,
            choices=(("", words.t("setting.server.keep")), (REMOVED, words.t("setting.server.remove"))),
            error=errors.get(path, ""),
        )
    for name in ADDED:
        added = _field(words, f"connectors.{len(indices)}.{name}", None, typed, errors)
        rule = added.rule.replace(f"{words.t('setting.rule.varies')} · ", "")
        yield replace(added, label=words.t("setting.server.new", label=added.label), rule=rule)


def _range_of(words: Words, rule: SettingRule) -> str:
    if rule.kind is SettingKind.LIST:
        return words.t("setting.rule.list")
    if rule.least is None:
        return ""
    least, none = words.number(rule.least), words.t("setting.rule.none") if rule.optional else ""
    if rule.most is None:
        return f"{words.t('setting.rule.least', least=least)} {none}".strip()
    return words.t("setting.rule.between", least=least, most=words.number(rule.most))


def _bounds_of(rule: SettingRule) -> Mapping[str, str]:
    """Return what the browser is told; nothing of a number that may be ``null`` too."""
    if rule.kind is SettingKind.TEXT and rule.length_limit is not None:
        return {"maxlength": str(rule.length_limit)}
    if rule.kind is not SettingKind.NUMBER or rule.optional:
        return NOTHING
    found = {"min": rule.least, "max": rule.most}
    bounds = {name: str(bound) for name, bound in found.items() if bound is not None}
    return {"step": "1" if rule.whole else "any"} | bounds


def _choices_of(words: Words, rule: SettingRule, value: str, *, mixed: bool) -> tuple[tuple[str, str], ...]:
    """Return what can be chosen; a value that a newer gateway brought stays among it."""
    if rule.kind is SettingKind.SWITCH:
        found = {"true": words.t("setting.yes"), "false": words.t("setting.no")}
    elif rule.kind is SettingKind.CHOICE:
        found = {one: words.word("setting.choice", one) if one else "" for one in rule.choices}
        found |= {"": words.t("setting.absent")} if "" in found else {}
    else:
        return ()
    found |= {"": words.t("setting.unchanged")} if mixed else {}
    return tuple(({value: value} | found).items()) if value not in found else tuple(found.items())
