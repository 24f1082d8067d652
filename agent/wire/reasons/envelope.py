"""Why a signed word of the fleet is not believed."""

from agent.wire.reasons.reason import code


@code("message de {size_bytes} octets, {limit_bytes} au plus", "{size_bytes} bytes, at most {limit_bytes}")
def too_large(*, size_bytes: int, limit_bytes: int) -> None: ...


@code("message illisible ({detail})", "unreadable ({detail})")
def malformed(*, detail: str) -> None: ...


@code("la signature n’est pas celle de la flotte", "the signature is not the fleet's")
def bad_signature() -> None: ...


@code("destinée à {device}, cette passerelle est {this_device}", "for {device}, this is {this_device}")
def foreign(*, device: str, this_device: str) -> None: ...


@code(
    "version {version} trop ancienne, {seen_version} a déjà été vue",
    "version {version} is old, {seen_version} was seen",
)
def older(*, version: int, seen_version: int) -> None: ...


@code("la version {version} est périmée", "version {version} has expired")
def expired(*, version: int) -> None: ...


@code("message d’une autre sorte ({kind})", "a word of another kind ({kind})")
def wrong_kind(*, kind: str) -> None: ...
