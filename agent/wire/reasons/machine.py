"""What this machine cannot do or refuses: its tools, its supervisor, its supply, its clock."""

from agent.wire.reasons.reason import Reason, code


@code("{tool} n’est pas installé", "{tool} is not installed")
def tool_missing(*, tool: str) -> None: ...


@code("{command}\u202f: pas de fin en {limit_s} s", "{command}: no end within {limit_s} s")
def tool_endless(*, command: str, limit_s: int) -> None: ...


@code("{command}\u202f: échec ({detail})", "{command}: failed ({detail})")
def tool_failed(*, command: str, detail: str) -> None: ...


@code(
    "ni gestionnaire de services ni superviseur balena\u202f: cette machine ne peut pas être redémarrée",
    "no service manager and no balena supervisor: this machine cannot be rebooted",
)
def cannot_reboot() -> None: ...


@code("redémarrage refusé par systemd ({detail})", "reboot refused by systemd ({detail})")
def reboot_refused(*, detail: str) -> None: ...


@code("superviseur balena, {path}\u202f: {cause}", "balena supervisor, {path}: {cause}")
def balena_unreachable(*, path: str, cause: Reason) -> None: ...


@code(
    "superviseur balena, {path}\u202f: HTTP {http_status} {detail}",
    "balena supervisor, {path}: HTTP {http_status} {detail}",
)
def balena_refused(*, path: str, http_status: int, detail: str) -> None: ...


@code("auparavant {power}", "before: {power}")
def power_was(*, power: str) -> None: ...


@code("auparavant {time_quality}", "before: {time_quality}")
def clock_was(*, time_quality: str) -> None: ...


@code("de {step_s} s", "by {step_s} s")
def clock_stepped(*, step_s: float) -> None: ...
