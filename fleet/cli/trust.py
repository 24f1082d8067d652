"""`passerelle fleet trust …` and `fleet sign`: who may say what a valid release is.

`key`, `init`, `rotate` and `sign` need no fleet and no network: they belong on a machine that has neither.
`online`, `accept` and `show --data` run on the fleet's host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from agent.wire import reasons
from agent.wire.reasons import ReasonedError
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.clock import SystemClock
from fleet.errors import MistakeError
from fleet.lang.i18n import t

if TYPE_CHECKING:
    from tuf.api.metadata import Root

    from fleet.trust.documents import Holders
    from fleet.trust.repository import Repository

app = typer.Typer(no_args_is_help=True, help=__doc__)
PASSPHRASE = Option("--passphrase-file", help="File with the passphrase; asked for without it.")
PassphraseFile = Annotated[Path | None, PASSPHRASE]
Publics = Annotated[list[Path] | None, Option(help="File of a public key; may be repeated.", dir_okay=False)]
Threshold = Annotated[int, Option(min=1, help="So many of these keys must sign.")]
Output = Annotated[Path, Option(help="Folder to write to.", file_okay=False)]
Documents = Annotated[list[Path], Argument(exists=True, dir_okay=False)]


@app.command()
def key(
    name: Annotated[str, Argument(help="NAME.key and NAME.pub are written.")],
    output: Output,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a key of a role: the private half encrypted, the public half beside it."""
    from fleet.trust.keys import make_key

    output.mkdir(parents=True, exist_ok=True)
    make_key(output / f"{name}.key", output / f"{name}.pub", _passphrase(passphrase_file, confirm=True))
    print(output / f"{name}.pub")


@app.command()
def online(data: Data, output: Annotated[Path, Option(help="File to write.", dir_okay=False)]) -> None:
    """Write the public half of this fleet's own key, which signs what is the newest; make it if missing."""
    from fleet.trust.repository import Repository

    output.write_bytes(Repository(data).online_public())
    print(output)


@app.command()
def init(  # noqa: PLR0917 typer passes by name
    output: Output,
    root: Publics,
    targets: Publics,
    online: Annotated[Path, Option(help="What `fleet trust online` wrote.", exists=True, dir_okay=False)],
    threshold: Threshold = 2,
    targets_threshold: Threshold = 1,
) -> None:
    """Write the first root and the first, empty, list of releases, both unsigned."""
    from fleet.trust.documents import first_root, first_targets
    from fleet.trust.keys import read_public

    now = _now()
    made = first_root(
        _holders(root, threshold), _holders(targets, targets_threshold), read_public(online), now
    )
    _write(output, {"1.root.json": made, "1.targets.json": first_targets(now)})


@app.command()
def rotate(  # noqa: PLR0917 typer passes by name
    before: Annotated[Path, Argument(exists=True, dir_okay=False, help="The newest root.")],
    output: Output,
    root: Publics = None,
    targets: Publics = None,
    online: Annotated[Path | None, Option(help="File of a public key.", exists=True, dir_okay=False)] = None,
    threshold: Threshold = 2,
    targets_threshold: Threshold = 1,
) -> None:
    """Write the next root, unsigned; what is not given stays.  Old and new holders sign it."""
    from tuf.api.metadata import Root

    from fleet.trust.documents import next_root, read
    from fleet.trust.keys import read_public

    made = next_root(
        before.read_bytes(),
        _now(),
        _holders(root, threshold) if root else None,
        _holders(targets, targets_threshold) if targets else None,
        read_public(online) if online else None,
    )
    _write(output, {f"{read(made, Root).signed.version}.root.json": made})


@app.command()
def add(
    release: Annotated[list[Path], Argument(exists=True, dir_okay=False, help="What the build wrote.")],
    before: Annotated[Path, Option(exists=True, dir_okay=False, help="The newest list of releases.")],
    output: Output,
) -> None:
    """Write the next list of releases with these in it, unsigned."""
    from agent.wire.release import decode_release
    from fleet.trust.documents import next_targets, read

    with _in_words(""):
        contents = [path.read_bytes() for path in release]
        added = {decode_release(content).path: content for content in contents}
    made = next_targets(before.read_bytes(), _now(), add=added)
    _write(output, {f"{read(made).signed.version}.targets.json": made})


@app.command()
def remove(
    path: Annotated[list[str], Argument(help="As `fleet trust show` names it: releases/…")],
    before: Annotated[Path, Option(exists=True, dir_okay=False, help="The newest list of releases.")],
    output: Output,
) -> None:
    """Write the next list without these, unsigned: gateways take them no more."""
    from fleet.trust.documents import next_targets, read

    made = next_targets(before.read_bytes(), _now(), remove=tuple(path))
    _write(output, {f"{read(made).signed.version}.targets.json": made})


def sign(
    document: Annotated[Path, Argument(exists=True, dir_okay=False, help="A root or a list of releases.")],
    key: Annotated[Path, Option(help="File of a private key.", exists=True, dir_okay=False)],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Add a signature to a document, in its file; no network, no fleet."""
    from fleet.identity.keys import replace_file
    from fleet.trust.documents import signed_with
    from fleet.trust.keys import read_key

    signed = signed_with(document.read_bytes(), read_key(key, _passphrase(passphrase_file)))
    replace_file(document, signed)
    print(document)


@app.command()
def accept(
    data: Data,
    documents: Documents,
    release: Annotated[
        list[Path] | None, Option(help="A release that the list names; may be repeated.", exists=True)
    ] = None,
    parts: Annotated[Path | None, Option(help="Folder of its parts.", exists=True, file_okay=False)] = None,
    lang: Lang = "",
) -> None:
    """Publish signed roots and lists of releases; refused as a gateway would refuse them."""
    from fleet.trust.repository import Repository

    with _in_words(lang):
        contents = [each.read_bytes() for each in release or ()]
        signed = [each.read_bytes() for each in documents]
        state = Repository(data).accept(signed, contents, _now(), parts=parts)
    assert state.targets is not None
    count = len(state.targets.signed.targets)
    versions = {"root": state.root.signed.version, "targets": state.targets.signed.version}
    print(t(spoken(lang), "trust.accepted", count=count, **versions))


@app.command()
def show(
    data: Data,
    document: Annotated[list[Path] | None, Option(help="One that waits for signatures.", exists=True)] = None,
    lang: Lang = "",
) -> None:
    """Show who signs for what, until when, what is published, and who has not signed a document yet."""
    from fleet.trust.repository import Repository

    lang, repository = spoken(lang), Repository(data)
    roots = repository.roots()
    with _in_words(lang):
        if roots:
            print("\n".join(_state_lines(repository, lang)))
        for each in document or ():
            print("\n".join(_lacking_lines(each, roots, lang)))


def _state_lines(repository: "Repository", lang: str) -> Iterator[str]:
    from fleet.trust.documents import holders_of
    from fleet.trust.keys import name_of

    state = repository.trusted(_now())
    assert state.timestamp is not None
    assert state.snapshot is not None
    assert state.targets is not None
    root: Root = state.root.signed
    signed = (root, state.targets.signed, state.snapshot.signed, state.timestamp.signed)
    yield t(lang, "trust.anchor", sha256=repository.anchor_sha256())
    for each in signed:
        holders = holders_of(root, each.type)
        yield t(
            lang,
            "trust.role",
            role=_role(lang, each.type),
            version=each.version,
            end=f"{each.expires:%Y-%m-%d %H:%M} UTC",
            threshold=holders.threshold,
            keys=", ".join(name_of(one) for one in holders.keys),
        )
    for path in sorted(state.targets.signed.targets):
        yield f"    {path}"


def _lacking_lines(path: Path, roots: list[bytes], lang: str) -> Iterator[str]:
    from tuf.api.metadata import Root

    from fleet.trust.documents import read
    from fleet.trust.keys import name_of
    from fleet.trust.repository import lacking

    document = path.read_bytes()
    by = read(roots[-1] if roots else document, Root).signed
    missing = lacking(document, by)
    if not missing:
        yield t(lang, "trust.signed", file=path.name)
    for each in missing:
        names = ", ".join(name_of(one) for one in each.unsigned)
        yield t(
            lang,
            "trust.lacking",
            file=path.name,
            role=_role(lang, each.role),
            version=each.root_version,
            count=each.count,
            keys=names,
        )


def _role(lang: str, role: str) -> str:
    french, english = reasons.WORDS["role"][role]
    return french if lang == "fr" else english


@contextmanager
def _in_words(lang: str) -> Iterator[None]:
    """Let a refusal be one sentence in the reader's language."""
    try:
        yield
    except ReasonedError as error:
        raise MistakeError(reasons.text(error.why, spoken(lang))) from error


def _holders(files: list[Path] | None, threshold: int) -> "Holders":
    from fleet.trust.documents import Holders
    from fleet.trust.keys import read_public

    return Holders(keys=tuple(read_public(each) for each in files or ()), threshold=threshold)


def _passphrase(file: Path | None, *, confirm: bool = False) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    asked: str = typer.prompt("Phrase secrète", hide_input=True, confirmation_prompt=confirm)
    return asked


def _write(folder: Path, documents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        with (folder / name).open("xb") as file:
            file.write(content)
        print(folder / name)


def _now() -> datetime:
    return datetime.fromtimestamp(SystemClock().now_us() / 1_000_000, UTC)
