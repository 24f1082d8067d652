"""Maintainer scripts and control file of a package; pure.

Sources: Debian Policy 6.5 (in which order and with which words dpkg calls them), deb-systemd-helper(1).
"""

from packages.roles import Role

COMPILED = "find /opt/passerelle -name __pycache__ -type d -prune -exec rm -rf {} +"


def control(role: Role, *, version: str, architecture: str, python: str, installed_kib: int) -> str:
    """Return the control file: for the Python of one release of Debian, and alone in /opt/passerelle."""
    major, minor = python.split(".")
    pythons = (f"python3 (>= {python})", f"python3 (<< {major}.{int(minor) + 1})")
    lines = [
        f"Package: {role.name}",
        f"Version: {version}",
        f"Architecture: {architecture}",
        "Maintainer: Passerelle <passerelle@localhost>",
        "Section: net",
        "Priority: optional",
        f"Installed-Size: {installed_kib}",
        f"Depends: {', '.join((*pythons, *role.depends))}",
        *([f"Recommends: {', '.join(role.recommends)}"] if role.recommends else []),
        "Provides: passerelle",
        "Conflicts: passerelle",
        f"Description: {role.summary}",
        " Its Python environment, from hashed packages, is in /opt/passerelle; nothing of it is seen by",
        " other programs. One machine has one role: gateway, fleet, or installer's laptop.",
    ]
    return "\n".join(lines) + "\n"


def postinst(role: Role) -> str:
    """Return what runs after the files are there."""
    lines = [*_users(role), "[ -d /opt/passerelle/lib/python3*/site-packages/msgspec/__pycache__ ] ||"]
    lines += ["    /opt/passerelle/bin/python3 -m compileall -q /opt/passerelle/lib || true"]
    for unit in role.enabled:
        lines.append(f"deb-systemd-helper enable {unit} >/dev/null")
    if role.units:
        lines += ["if [ -d /run/systemd/system ]; then", "    systemctl daemon-reload"]
        if any(target == "usr/lib/udev/rules.d" for _, target in role.files):
            lines += ["    udevadm control --reload && udevadm trigger --subsystem-match=block || true"]
        if role.units:
            lines += [f'    [ -z "$2" ] || systemctl try-restart {" ".join(role.units)}']
        lines += ["fi"]
    return _script('[ "$1" = configure ] || exit 0', *lines)


def _users(role: Role) -> list[str]:
    lines = []
    if role.user:
        lines.append(f"systemd-sysusers {role.sysusers}")
    if any(target.startswith("usr/lib/tmpfiles.d") for _, target in role.files):
        # In a chroot without /proc it cannot; the machine makes the folders when it boots.
        lines.append(f"systemd-tmpfiles --create {role.sysusers} || [ ! -d /run/systemd/system ]")
    return lines


def prerm(role: Role) -> str:
    """Return what runs before the files go: nothing of ours runs on without its program."""
    lines = [COMPILED]
    if role.units:
        stop = f"    systemctl stop {' '.join(role.units)}"
        lines = ["if [ -d /run/systemd/system ]; then", stop, "fi", COMPILED]
    return _script('[ "$1" = remove ] || exit 0', *lines)


def postrm(role: Role) -> str:
    """Return what runs after the files are gone: a purge leaves neither state, keys nor user."""
    lines = ["[ ! -d /run/systemd/system ] || systemctl daemon-reload || true"] if role.units else []
    lines += ['[ "$1" = purge ] || exit 0']
    lines += [f"deb-systemd-helper purge {unit} >/dev/null || true" for unit in role.units]
    lines += [f"rm -rf {folder}" for folder in role.leaves]
    if role.user:
        lines += [f"! getent passwd {role.user} >/dev/null || userdel {role.user} >/dev/null 2>&1"]
        lines += [f"! getent group {role.user} >/dev/null || groupdel {role.user} >/dev/null 2>&1"]
    # dpkg took it away as well when nothing else is in it; a Debian has it from the beginning (FHS 3.13).
    lines += ["[ -d /opt ] || mkdir --mode=0755 /opt"]
    return _script(*lines)


def _script(*lines: str) -> str:
    return "\n".join(("#!/bin/sh", "set -e", *lines, "exit 0")) + "\n"
