"""Settings that many gateways share, in layers from the fleet to one gateway; pure.

    fleet → departement → epci → commune → model → gateway        the later one wins, setting by setting

What no layer says stays as the gateway runs it: a value that is taken out of a layer goes back to what a more
general layer says, else it becomes the gateway's own.  A value may hold variables such as ``{eui}``, which
each gateway fills with what the registry knows of it.

>>> one = About(eui="0016c001f1000001", commune="Chançay", insee="37052")
>>> expanded("gw-{eui}.{insee}", one)
'gw-0016c001f1000001.37052'
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.wire.configuration import Configuration
from fleet.configurations.change import change, dotted, flatten

_VARIABLE = re.compile(r"\{([a-z_]+)\}")
SUBJECT_LIMIT_CHARACTERS = 200
VALUES_LIMIT = 100
"""Settings of one layer."""


class Scope(StrEnum):
    """What a layer is about, the most general first."""

    FLEET = "fleet"
    DEPARTEMENT = "departement"
    EPCI = "epci"
    COMMUNE = "commune"
    MODEL = "model"
    """The hardware of the gateway, as the registry names it."""
    GATEWAY = "gateway"


ORDER = tuple(Scope)


@dataclass(frozen=True, slots=True, order=True)
class LayerKey:
    """One layer: its scope, and of which département, EPCI, commune (INSEE), model or gateway (EUI)."""

    scope: Scope
    subject: str = ""
    """Empty for the fleet."""

    def __str__(self) -> str:
        """As people write it: ``commune:37052``."""
        return f"{self.scope}:{self.subject}" if self.subject else self.scope.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one layer says."""

    key: LayerKey
    version: int
    values: Mapping[str, str]
    """Path → value as people type it, with its variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the registry knows of one gateway; empty: it is not known."""

    eui: str
    name: str = ""
    commune: str = ""
    insee: str = ""
    epci: str = ""
    departement: str = ""
    model: str = ""
    operator: str = ""
    """Operator of the backhaul."""

    def belongs_to(self, key: LayerKey) -> bool:
        """Return whether a layer is about this gateway."""
        subjects = {
            Scope.FLEET: "",
            Scope.DEPARTEMENT: self.departement,
            Scope.EPCI: self.epci,
            Scope.COMMUNE: self.insee,
            Scope.MODEL: self.model,
            Scope.GATEWAY: self.eui,
        }
        return subjects[key.scope] == key.subject


VARIABLES = tuple(About.__slots__)


class LayerRefused(ValueError):
    """A layer that cannot be; ``key`` words it, ``values`` fill it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(f"{key} {values or ''}".strip())
        self.key, self.values = key, values


class VariableMissing(LookupError):
    """A variable that the registry has no value for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the layers of one gateway say together."""

    texts: Mapping[str, str]
    """Path → value without variables, of every path that a layer sets."""
    origin: Mapping[str, LayerKey]
    """Path → the layer that won."""
    beaten: Mapping[str, tuple[LayerKey, ...]]
    """Path → layers that set it too and lost, the most general first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The whole of one gateway, and which layer set what."""

    configuration: Configuration
    chosen: Chosen


def read_key(text: str) -> LayerKey:
    """Return the layer that people name, such as ``fleet`` or ``commune:37052``.

    Raises:
        LayerRefused: no such scope, or its subject is missing.
    """
    name, _, subject = text.strip().partition(":")
    if name not in set(Scope) or bool(subject) is (name == Scope.FLEET):
        raise LayerRefused("layer.refused.scope", text=text)
    if len(subject) > SUBJECT_LIMIT_CHARACTERS:
        raise LayerRefused("layer.refused.scope", text=f"{text[:SUBJECT_LIMIT_CHARACTERS]}…")
    return LayerKey(Scope(name), subject.strip())


def check_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values by dotted path.

    Raises:
        LayerRefused: too many, or a variable that does not exist.
    """
    if len(values) > VALUES_LIMIT:
        raise LayerRefused("layer.refused.many", limit=VALUES_LIMIT)
    for path, text in values.items():
        for name in _VARIABLE.findall(text):
            if name not in VARIABLES:
                raise LayerRefused("layer.refused.variable", path=path, name=name, known=", ".join(VARIABLES))
    return {dotted(path): text for path, text in values.items()}


def expanded(text: str, about: About) -> str:
    """Return a value with its variables filled.

    Raises:
        VariableMissing: the registry does not know one of them; names it.
    """

    def value(found: re.Match[str]) -> str:
        known: str = getattr(about, found[1])
        if not known:
            raise VariableMissing(found[1])
        return known

    return _VARIABLE.sub(value, text)


def choose(layers: Iterable[Layer], about: About) -> Chosen:
    """Return what the layers of a gateway say; of two that set a value the more special one wins.

    Raises:
        VariableMissing: a variable without value.
    """
    mine = (one for one in layers if about.belongs_to(one.key))
    texts: dict[str, str] = {}
    origin: dict[str, LayerKey] = {}
    beaten: dict[str, tuple[LayerKey, ...]] = {}
    for layer in sorted(mine, key=lambda one: ORDER.index(one.key.scope)):
        for path, text in layer.values.items():
            if path in origin:
                beaten[path] = (*beaten.get(path, ()), origin[path])
            texts[path], origin[path] = text, layer.key
    texts = {path: expanded(text, about) for path, text in texts.items()}
    return Chosen(texts=texts, origin=origin, beaten=beaten)


def merge(base: Configuration, layers: Iterable[Layer], about: About) -> Merged:
    """Return what a gateway shall run by its layers, and which layer set each value.

    Raises:
        VariableMissing: a variable without value.
        ConfigurationError: together the layers make no configuration.
    """
    chosen = choose(layers, about)
    return Merged(configuration=change(base, chosen.texts), chosen=chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One setting of a gateway, and where its value comes from."""

    path: str
    value: str
    origin: LayerKey | None
    """None: no layer says anything, it is the gateway's own or the default."""
    beaten: tuple[LayerKey, ...] = ()
    runs: str = ""
    """What it runs now, where that differs."""


def explain(running: Configuration, merged: Merged) -> list[Explained]:
    """Return every setting with its layer, in the order of the document."""
    runs = flatten(running)
    found = []
    for path, value in flatten(merged.configuration).items():
        origin = merged.chosen.origin.get(path)
        differs = runs.get(path, "") if origin is not None and runs.get(path) != value else ""
        beaten = merged.chosen.beaten.get(path, ())
        found.append(Explained(path=path, value=value, origin=origin, beaten=beaten, runs=differs))
    return found
