"""The bundle « contester »: all that a member needs to check a month of its territory, and nothing beyond it.

    faits.ndjson        facts, settings, members and weights of its communes, as the month holds them
    registre.json       its communes and gateways as they were frozen, who serves whom
    reglages.json       every setting of the contract
    chiffres.json       every figure of these facts, as `passerelle fleet compute` gives them
    facts.schema.json   what each line of faits.ndjson means
    recompute.py        a reader in plain Python that gives the figures again
    scelle.txt          of a closed month: the text of which the seal is the SHA-256
    sceau.txt           its seal, as an authority stamped it
    sceau.tsr           the authority's stamp (RFC 3161), where the settings name one
    empreintes.txt      SHA-256 of every file, and of the month that they are taken from
    LISEZMOI.txt        how to check, until when and how to contest

A commune's figures depend on its members alone, so the part gives the same figures as the whole month.
Pure but for the reader's text, which is a file of the package.
"""

import hashlib
import io
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import resources
from typing import Any

import msgspec

from fleet.availability import document, result
from fleet.availability.reckoning import MonthInput, reckon
from fleet.facts.model import Blindness, GatewayFacts, Maintenance, NetworkFacts
from fleet.facts.settings import Serving

_EPOCH_ZIP = (1980, 1, 1, 0, 0, 0)
"""Date of every file in the archive, so that equal bundles are equal bytes."""
READER = "recompute.py"
README = """\
Contester les chiffres d’un mois
================================

Territoire : {territory}
Mois : {month} ({version})
Empreinte SHA-256 du mois entier : {digest}
Empreinte SHA-256 des faits de ce territoire : {own}

Recalculer, sans rien installer d’autre que Python 3.11 ou plus récent :

    python recompute.py faits.ndjson

Le lecteur affiche l’empreinte des faits de ce territoire puis, pour chaque commune, le temps passé dans
chaque état (en microsecondes), les coupures et le verdict. Ces nombres doivent être ceux de chiffres.json
et ceux du rapport. Les définitions sont celles de docs/disponibilite.md ; facts.schema.json donne le sens de
chaque champ. Le lecteur ne redonne ni les causes, ni le chiffre différé, ni la lecture « par capteur ».

{sealed}{contest} Citer la commune, l’intervalle en cause et l’empreinte du mois. Un fait qui manquait,
ou qui est corrigé, fait une nouvelle version du mois ; aucune version n’est effacée.
"""


SEALED = """\
Vérifier que ni un fait ni un chiffre du mois n’a changé depuis la clôture : le sceau est l’empreinte
SHA-256 de scelle.txt (mois, version, empreinte du mois entier, empreinte de tous ses chiffres). Ce doit être
celui du courriel envoyé à la clôture, {seal} :

    sha256sum scelle.txt
    cat sceau.txt

{stamp}
"""
STAMPED = """\
sceau.tsr est le jeton d’horodatage (RFC 3161) de ce sceau, délivré le {at} par {authority}. Il prouve que
le sceau existait à cette date ; AUTORITE.pem est le certificat racine que cette autorité publie, à prendre
chez elle et non chez l’exploitant :

    openssl ts -verify -data sceau.txt -in sceau.tsr -CAfile AUTORITE.pem
"""
UNSTAMPED = "Aucune autorité n’a horodaté ce sceau : seul le courriel de clôture en donne la date.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What proves that a closed month was not changed since."""

    text: str
    """The seal is the SHA-256 of this."""
    seal: str
    token: bytes | None = None
    """The authority's stamp over the seal; None: none."""
    authority: str = ""
    stamped_at: str = ""
    """When, in words."""

    @property
    def files(self) -> dict[str, bytes]:
        """What of it lies in the bundle."""
        files = {"scelle.txt": self.text.encode(), "sceau.txt": self.seal.encode()}
        return files if self.token is None else files | {"sceau.tsr": self.token}

    @property
    def words(self) -> str:
        """How to check it."""
        stamped = STAMPED.format(at=self.stamped_at, authority=self.authority)
        return SEALED.format(seal=self.seal, stamp=UNSTAMPED if self.token is None else stamped)


def territory(given: MonthInput, insees: Collection[str]) -> MonthInput:
    """Return the month with what concerns these communes; their figures stay the same.

    Gateways are those that serve them and, where sensors are the contract's reading, those that hear them.
    """
    facts = given.facts
    members = tuple(one for one in facts.memberships if one.commune_insee in insees)
    by_sensors = given.settings.serving is Serving.SENSORS
    coverages = tuple(one for one in given.coverages if by_sensors and one.insee in insees)
    euis = {one.eui for one in members} | {eui for one in coverages for eui in one.euis}
    return replace(
        given,
        facts=NetworkFacts(
            gateways={eui: _of_gateway(one, euis) for eui, one in facts.gateways.items() if eui in euis},
            memberships=members,
            blindness=tuple(
                _of_blindness(one, euis) for one in facts.blindness if not one.euis or euis & set(one.euis)
            ),
        ),
        communes=tuple(one for one in given.communes if one.insee in insees),
        gateways=tuple(one for one in given.gateways if one.eui in euis),
        coverages=coverages,
    )


def bundle(
    given: MonthInput,
    *,
    name: str,
    version: str,
    digest: str,
    contest: str,
    gateways: Mapping[str, str],
    sealed: Sealed | None = None,
) -> bytes:
    """Return the archive for a territory; ``gateways`` are the names that people gave, by EUI.

    ``sealed``: of a closed month that bears a seal.
    """
    lines = b"".join(document.write(given))
    own = document.digest(given)
    text = README.format(
        territory=name,
        month=given.month,
        version=version,
        digest=digest,
        own=own,
        contest=contest,
        sealed="" if sealed is None else f"{sealed.words}\n",
    )
    files = {
        "LISEZMOI.txt": text.encode(),
        "faits.ndjson": lines,
        "registre.json": _json(registry(given, gateways)),
        "reglages.json": _json(asdict(given.settings)),
        "chiffres.json": _json(result.document(given, reckon(given))),
        "facts.schema.json": _json(document.schema()),
        READER: reader(),
        **({} if sealed is None else sealed.files),
    }
    prints = [f"{hashlib.sha256(content).hexdigest()}  {file}" for file, content in files.items()]
    prints += [f"{own}  faits de ce territoire ({document.CODE})", f"{digest}  mois entier ({version})"]
    files["empreintes.txt"] = ("\n".join(prints) + "\n").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items():
            archive.writestr(zipfile.ZipInfo(file, _EPOCH_ZIP), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def reader() -> bytes:
    """Return the text of docs/recompute/recompute.py, which the package carries."""
    return (resources.files("fleet.reports") / "templates" / "recompute.py.txt").read_bytes()


def registry(given: MonthInput, gateways: Mapping[str, str]) -> dict[str, Any]:
    """Return communes, gateways and who serves whom, as the month froze them."""
    euis = sorted({one.eui for one in given.facts.memberships})
    cards = {one.eui: asdict(one) for one in given.gateways}
    return {
        "month": given.month,
        "communes": [asdict(one) | {"weight": given.weights[one.insee]} for one in given.communes],
        "gateways": [{"eui": eui, "name": gateways.get(eui, "")} | cards.get(eui, {}) for eui in euis],
        "memberships": [asdict(one) for one in sorted(given.facts.memberships, key=lambda one: one.id)],
    }


def _of_gateway(facts: GatewayFacts, euis: Collection[str]) -> GatewayFacts:
    return replace(facts, maintenances=tuple(_of_works(one, euis) for one in facts.maintenances))


def _of_works(works: Maintenance, euis: Collection[str]) -> Maintenance:
    return replace(works, euis=tuple(eui for eui in works.euis if eui in euis))


def _of_blindness(blind: Blindness, euis: Collection[str]) -> Blindness:
    return replace(blind, euis=tuple(eui for eui in blind.euis if eui in euis))


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
