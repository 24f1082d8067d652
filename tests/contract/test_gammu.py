"""The real gammu-smsd-inject takes a page whole: with the queue in files it needs no modem."""

import re
import shutil
from pathlib import Path

import pytest

from fleet.notify.gsm import plain
from fleet.notify.sms import inject
from tests.unit.fleet.notify.test_sms import outgoing

pytestmark = pytest.mark.skipif(
    shutil.which("gammu-smsd-inject") is None, reason="apt-get install gammu-smsd"
)
LINK = "https://passerelle.example/a/" + "k" * 60
TEXTS = {
    "short": "RETABLI Azay-sur-Cher : service de retour à 03:30.",
    "long": f"CRITIQUE Azay-sur-Cher : plus de service depuis 02:13. Sur site avant 06:15. {LINK}",
    "accents": plain("CRITIQUE L'Île-Bouchard : « arrêt » depuis 02:13 — Sur site avant 06:15. ") + LINK,
    "unicode": "Île " * 40 + LINK,
}


def queue(folder: Path) -> Path:
    names = {"inbox": "inbox", "outbox": "outbox", "sentsms": "sent", "errorsms": "error"}
    lines = ["[gammu]", "device = /dev/null", "connection = at", "[smsd]", "service = files"]
    for key, name in names.items():
        (folder / name).mkdir()
        lines.append(f"{key}path = {folder / name}/")
    configuration = folder / "smsdrc"
    configuration.write_text("\n".join(lines) + "\n")
    return configuration


def written(folder: Path) -> tuple[str, set[str]]:
    """Return the text of all parts together, and how they are coded."""
    (file,) = (folder / "outbox").iterdir()
    content = file.read_text(encoding="latin-1")
    digits = "".join(re.findall(r"^Text\d+ = ([0-9A-F]+)$", content, re.MULTILINE))
    return bytes.fromhex(digits).decode("utf-16-be"), set(
        re.findall(r"^Coding = (\w+)$", content, re.MULTILINE)
    )


@pytest.mark.parametrize("name", TEXTS)
def test_not_a_letter_is_lost(name: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    inject(outgoing(text), str(queue(tmp_path)))
    found, coding = written(tmp_path)
    assert found == text
    assert coding == {"Unicode_No_Compression" if name == "unicode" else "Default_No_Compression"}
