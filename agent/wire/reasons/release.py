"""What became of a release of the agent on a gateway."""

from agent.wire.reasons.reason import Reason, code


@code("le fichier de la version est inutilisable ({cause})", "the file of the release is unusable ({cause})")
def unfit(*, cause: Reason) -> None: ...


@code(
    "la version dépasse {limit_bytes} octets une fois dépliée",
    "the release has more than {limit_bytes} bytes unpacked",
)
def too_large(*, limit_bytes: int) -> None: ...


@code("la version nomme deux fois la même partie", "the release names the same part twice")
def part_twice() -> None: ...
