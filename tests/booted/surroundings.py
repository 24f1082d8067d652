"""What the guide takes as given: names that resolve, a certificate, sheets, a modem, a radio, an LNS."""

import json
import subprocess
from pathlib import Path

from openpyxl import Workbook

from tests.booted.machine import Machine
from tests.booted.submitted import texts

ROOT = Path(__file__).parents[2]
DATA = json.loads((ROOT / "demo" / "data" / "touraine_est_vallees.json").read_text(encoding="utf-8"))
EUI = "0016c001f1370001"
NAMES = (
    "supervision.exemple.fr",
    "broker.exemple.fr",
    "lns.exemple.fr",
    "lns2.exemple.fr",
    "courriel.exemple.fr",
)
LNS_PORT = 1700
MODEM, SUBMITTED = "/dev/ttyUSB0", "/var/lib/modem/submitted"
LIFE = ("-days", "7")
CHIP = "/run/twin/chip.sock"
ABOUT = ("insee", "name", "epci", "departement", "population")
COLUMNS = ("EUI", "Passerelle", "Clé du site", "Site", "Commune (INSEE)", "Latitude", "Longitude", "Statut")
IN_PLACE_OF = (
    # No silicon here: the virtual chip, over its socket.
    (f"--eui {EUI} --lns", f"--bus socket:{CHIP} --eui {EUI} --lns"),
)
"""All that is not as on the page: (what stands there, what runs)."""
TWIN = f"""[Unit]
Before=passerelle-agent.service
[Service]
User=passerelle
RuntimeDirectory=twin
ExecStart=/opt/passerelle/bin/python3 -m hal.twin --socket {CHIP} --eui {EUI}
[Install]
WantedBy=multi-user.target
"""
LNS = f"""[Service]
DynamicUser=yes
ExecStart=/usr/bin/python3 /usr/local/lib/lns.py {LNS_PORT}
[Install]
WantedBy=multi-user.target
"""
MODEM_UNIT = f"""[Unit]
Before=gammu-smsd.service
[Service]
StateDirectory=modem
ExecStart=/usr/bin/python3 /usr/local/lib/modem.py {MODEM} {SUBMITTED}
[Install]
WantedBy=multi-user.target
"""


class Authority:
    """An authority that everybody trusts, and its certificate for the supervision's name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        key, root = f"{folder}/ca.key", f"{folder}/ca.crt"
        new = ("-newkey", "rsa:2048", "-nodes")
        _openssl("req", "-x509", *new, *LIFE, "-subj", "/CN=Essai", "-keyout", key, "-out", root)
        (folder / "names").write_text(f"subjectAltName=DNS:{NAMES[0]}\n")
        own, request = f"{folder}/supervision.key", f"{folder}/request"
        _openssl("req", *new, "-subj", f"/CN={NAMES[0]}", "-keyout", own, "-out", request)
        signed = ("-CA", root, "-CAkey", key, "-CAcreateserial", "-extfile", f"{folder}/names")
        _openssl("x509", "-req", "-in", request, *signed, *LIFE, "-out", f"{folder}/supervision.pem")

    def trusted_by(self, machine: Machine) -> None:
        """Make a machine, not booted yet, trust it."""
        machine.write("/usr/local/share/ca-certificates/essai.crt", (self.folder / "ca.crt").read_text())
        machine.inside("update-ca-certificates >/dev/null 2>&1")

    def certify(self, machine: Machine) -> None:
        """Give a machine the supervision's certificate."""
        for name in ("supervision.pem", "supervision.key"):
            machine.write(f"/etc/ssl/passerelle/{name}", (self.folder / name).read_text())


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def name_hosts(machine: Machine) -> None:
    """Make the names of the guide resolve to this machine."""
    machine.write("/etc/hosts", f"127.0.0.1 localhost {' '.join(NAMES)}\n")


def write_sheets(machine: Machine, folder: Path) -> None:
    """Put territory and registry where the guide takes them from."""
    features = [
        {
            "type": "Feature",
            "properties": {name: commune[name] for name in ABOUT},
            "geometry": _square(commune["lat"], commune["lon"]),
        }
        for commune in DATA["communes"]
    ]
    collection = {"type": "FeatureCollection", "features": features}
    machine.write("/srv/passerelle/communes.geojson", json.dumps(collection))
    found = next(row for row in DATA["sites"] if row["key"] == "azay-eglise")
    key, name, insee, lat, lon = (found[field] for field in ("key", "name", "commune_insee", "lat", "lon"))
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(COLUMNS)
    sheet.append([EUI, name, key, name, insee, lat, lon, "installed"])
    book.save(folder / "sites.xlsx")
    machine.write("/srv/passerelle/sites.xlsx", (folder / "sites.xlsx").read_bytes())


def _square(lat: float, lon: float) -> dict[str, object]:
    around = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return {"type": "Polygon", "coordinates": [[[lon + 0.02 * x, lat + 0.02 * y] for x, y in around]]}


def receive_mails(machine: Machine) -> None:
    """Make a machine the mail server of the guide too: what it takes for anybody lies in root's box."""
    machine.run(
        "postconf -e 'mydestination = exemple.fr, localhost' 'local_recipient_maps ='"
        " 'luser_relay = root@localhost';"
        "systemctl reload postfix"
    )


def mails(machine: Machine) -> str:
    """Return what lies in root's box."""
    return machine.run("cat /var/mail/root 2>/dev/null || true")


def add_radio(gateway: Machine) -> None:
    """Give a gateway with the agent's package a radio and a network server."""
    gateway.write("/etc/systemd/system/twin.service", TWIN)
    gateway.write("/etc/systemd/system/lns.service", LNS)
    gateway.write("/usr/local/lib/lns.py", (Path(__file__).parent / "lns.py").read_text())
    gateway.inside("systemctl enable --quiet twin lns")


def add_modem(machine: Machine) -> None:
    """Plug a modem into a machine that is not booted."""
    machine.write("/etc/systemd/system/modem.service", MODEM_UNIT)
    machine.write("/usr/local/lib/modem.py", (Path(__file__).parent / "modem.py").read_text())
    machine.inside("systemctl enable --quiet modem")


def submitted(machine: Machine) -> list[tuple[str, str]]:
    """Return (number, text) of every SMS that has left by the modem."""
    return texts(machine.run(f"cat {SUBMITTED} 2>/dev/null || true").splitlines())
