"""Why an image, a card or the work order on it cannot be used; read by installers."""

from agent.wire.reasons.reason import Reason, code


@code(
    "le premier secteur n’est pas une table de partitions (MBR)\u202f; flashez de nouveau",
    "image: sector 0 is no partition table (MBR); flash the card again",
)
def no_table() -> None: ...


@code(
    "la table de partitions est de type GPT\u202f; prenez une image de base avec une table MBR",
    "image: partition table is GPT; use a base image with an MBR",
)
def gpt() -> None: ...


@code(
    "il y a {partitions} partitions de réglages (type 0xDA), il en faut une\u202f; flashez de nouveau",
    "image: {partitions} settings partitions (type 0xDA), one is needed; flash again",
)
def not_one_settings(*, partitions: int) -> None: ...


@code(
    "l’image de base a déjà une partition de réglages\u202f; prenez-en une sans",
    "image: the base image has a settings partition already; use one without",
)
def settings_there() -> None: ...


@code(
    "les quatre partitions primaires de l’image de base sont prises\u202f; il en faut une libre",
    "image: all four primary partitions of the base image are taken; one must be free",
)
def table_full() -> None: ...


@code(
    "l’ordre de travail est trop grand pour les réglages ({order_bytes} octets sur {limit_bytes})",
    "work order: {order_bytes} bytes do not fit into {limit_bytes}",
)
def order_too_big(*, order_bytes: int, limit_bytes: int) -> None: ...


@code(
    "la partition de réglages est trop courte ({size_bytes} octets)\u202f; flashez de nouveau",
    "settings: {size_bytes} bytes, too short for a header; flash again",
)
def settings_short(*, size_bytes: int) -> None: ...


@code(
    "cette partition n’a pas été écrite par passerelle provision\u202f; flashez de nouveau",
    "settings.magic: not written by passerelle provision; flash again",
)
def foreign_settings() -> None: ...


@code(
    "format de réglages {version}, ce logiciel connaît le {known_version}\u202f; mettez-le à jour",
    "settings.version: {version}, this software reads {known_version}; update it",
)
def settings_version(*, version: int, known_version: int) -> None: ...


@code(
    "les réglages sont incomplets ({found_bytes} octets sur {length_bytes})\u202f; flashez de nouveau",
    "settings.length: {length_bytes} bytes named, {found_bytes} there; flash again",
)
def settings_cut(*, length_bytes: int, found_bytes: int) -> None: ...


@code(
    "les réglages sont abîmés (sha256)\u202f; prenez une autre carte et flashez de nouveau",
    "settings.sha256: does not match; the card is damaged, use another and flash again",
)
def settings_damaged() -> None: ...


@code(
    "l’ordre de travail sur la carte est illisible ({cause})\u202f; flashez de nouveau",
    "settings.document: {cause}; flash again",
)
def order_on_card(*, cause: Reason) -> None: ...


@code("ordre de travail\u202f: {cause}", "work order: {cause}")
def order_unfit(*, cause: Reason) -> None: ...


@code(
    "eui\u202f: écrivez 16 chiffres hexadécimaux en minuscules",
    "eui: write 16 lower-case hexadecimal digits",
)
def order_eui() -> None: ...
