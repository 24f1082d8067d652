"""A catalogue of invented images, and archives that hold them as Semtech's release does."""

import io
import tarfile
import zipfile
from pathlib import Path

from firmware.catalogue import CatalogueEntry, Entries, digest
from hal.twin.images import synthetic_agc, synthetic_arb, synthetic_sx1261

IMAGES = {"agc_sx1250": synthetic_agc(), "arb": synthetic_arb(), "sx1261": synthetic_sx1261()}
FILES = {"agc_sx1250": "agc_fw_sx1250.var", "arb": "arb_fw.var", "sx1261": "sx1261_pram.var"}
ENTRIES: Entries = tuple(
    CatalogueEntry(
        name=name,
        source_file=FILES[name],
        version="7",
        size_bytes=len(image),
        sha256=digest(image),
        required=name != "sx1261",
        purpose_fr="essai",
        purpose_en="trial",
    )
    for name, image in IMAGES.items()
)


def c_source(name: str, image: bytes | None = None) -> str:
    data = IMAGES[name] if image is None else image
    if name == "sx1261":
        words = ",\n".join(f"0x{int.from_bytes(data[at : at + 4], 'big'):x}" for at in range(0, len(data), 4))
        return f"const uint32_t pram[] = {{\n{words}\n}};\n\n#define PRAM_COUNT {len(data) // 4}\n"
    numbers = ", ".join(f"0x{byte:02X}" for byte in data)
    return f"static uint8_t {name}_firmware[{len(data)}] = {{ \n{numbers} \n }}; \n"


def members() -> dict[str, bytes]:
    sources = {f"sx1302_hal-2.1.0/libloragw/src/{FILES[name]}": c_source(name).encode() for name in IMAGES}
    return {"sx1302_hal-2.1.0/readme.md": b"# hal", **sources}


def release_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members().items():
            archive.writestr(name, content)
    return path


def release_tar(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members().items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def release_folder(path: Path) -> Path:
    for name, content in members().items():
        inside = path / name
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.write_bytes(content)
    return path
