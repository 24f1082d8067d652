"""The concentrator firmware that a gateway needs, by name, version, size and SHA-256; no image is here.

Sources: Semtech sx1302_hal v2.1.0 (files ``*_fw*.var``, ``sx1261_pram.var``, ``mcu_bin/``); FACTS §7 and §2
give sizes, versions and hashes.
"""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

RELEASE = "sx1302_hal v2.1.0 (Semtech, Revised BSD)"
RELEASE_URL = "https://github.com/Lora-net/sx1302_hal/releases/tag/V2.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One image: the file it comes in, and what its raw bytes must be."""

    name: str
    source_file: str
    version: str
    size_bytes: int
    sha256: str
    required: bool = False
    """Whether a gateway with SX1250 radios cannot start without it."""
    purpose_fr: str
    purpose_en: str


Entries: TypeAlias = tuple[CatalogueEntry, ...]

CATALOGUE: Entries = (
    CatalogueEntry(
        name="agc_sx1250",
        source_file="agc_fw_sx1250.var",
        version="10",
        size_bytes=8192,
        sha256="8f612e878b946b8c7cc59a5fc27ad33bb18ab92ad6e291d873f5d6bb7daae0d4",
        required=True,
        purpose_fr="gain des radios SX1250",
        purpose_en="gain control of SX1250 radios",
    ),
    CatalogueEntry(
        name="arb",
        source_file="arb_fw.var",
        version="2",
        size_bytes=8192,
        sha256="a6f542395e29cd258917f5948d1067ab18e3cf08ce5ee250e2caa08539f80fd0",
        required=True,
        purpose_fr="arbitre des démodulateurs",
        purpose_en="arbiter of the demodulators",
    ),
    CatalogueEntry(
        name="sx1261",
        source_file="sx1261_pram.var",
        version="2D06",
        size_bytes=1544,
        sha256="2f1a728415a38298d07b77ebb1b54c9b9cdfe21fd830bf842d79d73f23b99074",
        purpose_fr="correctif du SX1261 (écoute avant émission, spectre)",
        purpose_en="patch of the SX1261 (listen before talk, spectrum)",
    ),
    CatalogueEntry(
        name="agc_sx125x",
        source_file="agc_fw_sx1257.var",
        version="6",
        size_bytes=8192,
        sha256="28d05612240627fb9e61ec43eba661e96d24805e1ce62b2d800c8461d400ae66",
        purpose_fr="gain des radios SX1255/57 (pas nos cartes)",
        purpose_en="gain control of SX1255/57 radios (not our boards)",
    ),
    CatalogueEntry(
        name="cal_sx125x",
        source_file="cal_fw.var",
        version="1",
        size_bytes=8192,
        sha256="48b381021068a760d53e6366094f51e35084097f272c801ba8b47e7226d68d44",
        purpose_fr="calibration des radios SX1255/57 (pas nos cartes)",
        purpose_en="calibration of SX1255/57 radios (not our boards)",
    ),
    CatalogueEntry(
        name="mcu_corecell_usb",
        source_file="rlz_010000_CoreCell_USB.bin",
        version="01.00.00",
        size_bytes=35_724,
        sha256="e182d5a3c3c56d15dc1c371d2ec988904513582941f8d363189a31d5d8bbe122",
        purpose_fr="microcontrôleur USB de la carte Corecell",
        purpose_en="USB microcontroller of the Corecell board",
    ),
)


def digest(image: bytes) -> str:
    """Return the SHA-256 of ``image`` in hex."""
    return hashlib.sha256(image).hexdigest()


def recognise(image: bytes, entries: Entries = CATALOGUE) -> CatalogueEntry | None:
    """Return the entry whose bytes these are, None when they are unknown."""
    found = digest(image)
    return next((entry for entry in entries if entry.sha256 == found), None)


def named(name: str, entries: Entries = CATALOGUE) -> CatalogueEntry:
    """Return the entry called ``name``."""
    return next(entry for entry in entries if entry.name == name)


def shipped_as(file_name: str, entries: Entries = CATALOGUE) -> CatalogueEntry | None:
    """Return the entry that Semtech ships in a file of this name."""
    return next((entry for entry in entries if entry.source_file == file_name), None)
