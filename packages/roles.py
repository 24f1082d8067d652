"""What each package holds: a gateway's, a fleet's server's, an installer's laptop's."""

from dataclasses import dataclass

SHARED = ("agent", "firmware", "hal", "passerelle")
"""The words that both ends speak, and what they rest on."""
UNITS = "usr/lib/systemd/system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One package."""

    name: str
    summary: str
    extras: tuple[str, ...]
    """Extras of pyproject.toml whose dependencies come along."""
    modules: tuple[str, ...]
    """Ours, beside ``SHARED``."""
    depends: tuple[str, ...]
    """Packages of Debian, beside its Python."""
    recommends: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    """(file of the repository, folder or file of the machine)."""
    units: tuple[str, ...] = ()
    """Services that an upgrade starts again if they run, and a removal stops."""
    enabled: tuple[str, ...] = ()
    """Those of ``units`` that a first installation sets to start at boot."""
    user: str = ""
    leaves: tuple[str, ...] = ()
    """Folders that a purge removes with everything in them."""

    @property
    def sysusers(self) -> str:
        """The file that makes its user."""
        return f"{self.name}.conf"


AGENT = Role(
    name="passerelle-agent",
    summary="Passerelle: software of a LoRaWAN gateway",
    extras=("gateway",),
    modules=(),
    depends=("systemd", "udev"),
    recommends=("chrony | time-daemon", "polkitd"),
    files=(
        ("firmware/units/passerelle-agent.service", UNITS),
        ("firmware/units/passerelle.sysusers", "usr/lib/sysusers.d/passerelle-agent.conf"),
        ("firmware/units/90-passerelle.rules", "usr/lib/udev/rules.d"),
        ("firmware/units/49-passerelle.rules", "usr/share/polkit-1/rules.d"),
        ("firmware/units/10-passerelle-watchdog.conf", "usr/lib/systemd/system.conf.d"),
        ("firmware/units/10-passerelle-journal.conf", "usr/lib/systemd/journald.conf.d"),
        ("docs/guide-installateur.md", "usr/share/doc/passerelle-agent"),
    ),
    units=("passerelle-agent.service",),
    enabled=("passerelle-agent.service",),
    user="passerelle",
    leaves=("/var/lib/passerelle",),
)
FLEET = Role(
    name="passerelle-fleet",
    summary="Passerelle: fleet manager of LoRaWAN gateways, and its watchman",
    extras=("fleet", "sign", "balena"),
    modules=("fleet",),
    depends=("systemd", "mosquitto", "libpango-1.0-0", "libpangoft2-1.0-0", "fonts-dejavu-core"),
    recommends=("nginx | httpd", "postgresql", "chrony | time-daemon"),
    files=(
        ("fleet/units/passerelle-fleet.service", UNITS),
        ("fleet/units/passerelle-broker.service", UNITS),
        ("fleet/units/passerelle-watchman.service", UNITS),
        ("fleet/units/passerelle-fleet.sysusers", "usr/lib/sysusers.d/passerelle-fleet.conf"),
        ("fleet/units/passerelle-fleet.tmpfiles", "usr/lib/tmpfiles.d/passerelle-fleet.conf"),
        ("fleet/units/passerelle-fleet", "usr/sbin"),
        ("docs/exploitation.md", "usr/share/doc/passerelle-fleet"),
    ),
    units=("passerelle-broker.service", "passerelle-fleet.service", "passerelle-watchman.service"),
    user="passerelle-fleet",
    leaves=(
        "/var/lib/passerelle-fleet",
        "/var/lib/private/passerelle-watchman",
        "/srv/passerelle",
        "/etc/passerelle",
    ),
)
INSTALLER = Role(
    name="passerelle-installer",
    summary="Passerelle: cards of LoRaWAN gateways, flashed and checked on a laptop",
    extras=("provisioning",),
    modules=("provisioning",),
    depends=(),
    files=(("docs/guide-installateur.md", "usr/share/doc/passerelle-installer"),),
)
ROLES = {role.name.removeprefix("passerelle-"): role for role in (AGENT, FLEET, INSTALLER)}
