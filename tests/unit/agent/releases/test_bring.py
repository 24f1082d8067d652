"""A release brought over a real line that breaks, lies, or costs too much; unpacked and begun once."""

import fcntl
import hashlib
import http.server
import io
import lzma
import os
import platform
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from agent.releases.bring import MARGIN_BYTES, bring
from agent.releases.fetch import Budget, FetchFailed, Source
from agent.releases.model import Job
from agent.releases.slot import PYTHON, PartUnfit, unpack
from agent.wire.release import URL_PATH, Part, Release, encode_release, release_path
from agent.wire.trust import TrustRefused
from packages.release import build, file_name, pack
from tests.controlpath.signed_repository import NOW, SignedRepository, edited

OURS = {
    "agent/__init__.py": b"",
    "agent/run.py": b"",
    "agent/gateway_radio.py": b"",
    "passerelle/__init__.py": b"",
    "passerelle/__main__.py": b"print('it runs')\n",
}
MONTH = f"{NOW:%Y-%m}"
PARTS = {"passerelle": OURS, "lib": {"lib/__init__.py": b"x = 1\n"}}


class Fleet:
    """What `/api/v1/releases` gives, over HTTP on loopback; ``cut_after`` bytes of a part the line breaks."""

    def __init__(self, folder: Path, parts: dict[str, dict[str, bytes]]) -> None:
        self.folder, self.repository = folder, SignedRepository()
        self.release = build("0.2.0", parts, platform.machine(), PYTHON, folder)
        self.files = {f"parts/{path.name}": path.read_bytes() for path in (folder / "parts").iterdir()}
        self.sign((folder / file_name(self.release)).read_bytes())
        self.cut_after: int | None = None
        self.later = timedelta()
        self.asked: list[tuple[str, str]] = []
        fleet = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fleet.answer(self)

            def log_message(self, *arguments: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def sign(self, content: bytes) -> None:
        path = release_path("0.2.0", platform.machine(), PYTHON)
        self.repository.add(path, content)
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[f"targets/{sha256}.{path.rpartition('/')[2]}"] = content

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        name, asked = request.path.removeprefix(f"{URL_PATH}/"), request.headers.get("Range", "")
        self.asked.append((name, asked))
        files = self.files | {f"metadata/{key}": data for key, data in self.repository.files.items()}
        if name not in files:
            request.send_error(404)
            return
        first = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        content = files[name][first:]
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        broken = name.startswith("parts/") and self.cut_after is not None
        request.wfile.write(content[: self.cut_after] if broken else content)

    def job(self, **change: object) -> Job:
        anchor = hashlib.sha256(self.repository.files["1.root.json"]).hexdigest()
        known: dict[str, object] = {
            "url": f"http://127.0.0.1:{self.server.server_port}",
            "ca_pem": "",
            "anchor_sha256": anchor,
            "name": "0.2.0",
            "slot": "a",
            "rate_kbit_per_s": 100_000,
            "month_budget_bytes": 1_000_000,
            "now_us": int((NOW + self.later).timestamp() * 1_000_000),
        }
        return Job(**(known | change))  # type: ignore[arg-type]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    (tmp_path / "fleet").mkdir()
    made = Fleet(tmp_path / "fleet", PARTS)
    serving = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield made
    made.server.shutdown()
    serving.join()
    made.server.server_close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def parts_asked(fleet: Fleet) -> int:
    return sum(name.startswith("parts/") for name, _ in fleet.asked)


def test_a_release_is_brought_whole_and_the_same_part_never_twice(fleet: Fleet, state: Path) -> None:
    bring(fleet.job(), state)
    site = state / "releases" / "a" / "lib" / f"python{PYTHON}" / "site-packages"
    assert {name: (site / name).read_bytes() for name in OURS} == OURS
    assert (state / "releases" / "a" / "bin" / "python3").is_symlink()
    assert list(site.rglob("*.pyc"))
    assert parts_asked(fleet) == 2
    libraries = (site / "zzz_base.pth").read_text().splitlines()
    assert libraries == [each for each in sys.path if each.endswith("site-packages")]
    shown = subprocess.run(
        [
            state / "releases" / "a" / "bin" / "python3",
            "-I",
            "-c",
            "import lib, msgspec; print(lib.__file__)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == str(site / "lib" / "__init__.py")
    bring(fleet.job(slot="b"), state)
    assert parts_asked(fleet) == 2
    assert (state / "releases" / "b" / "pyvenv.cfg").exists()


def test_a_line_that_breaks_after_any_byte_goes_on_where_it_broke(fleet: Fleet, tmp_path: Path) -> None:
    (part,) = (each for each in fleet.release.parts if each.name == "lib")
    for cut in range(part.packed_bytes):
        spent: list[int] = []
        source = Source(base=fleet.job().url, ca_pem="", rate_kbit_per_s=100_000, spend=spent.append)
        into = tmp_path / f"part-{cut}"
        fleet.cut_after = cut
        with suppress(FetchFailed):
            source.part(part, into)
        assert (into.stat().st_size if into.exists() else 0) == cut
        fleet.cut_after = None
        source.part(part, into)
        assert hashlib.sha256(into.read_bytes()).hexdigest() == part.sha256
        assert sum(spent) == part.packed_bytes
        assert fleet.asked[-1][1] == (f"bytes={cut}-" if cut else "")


def test_a_line_that_breaks_for_ever_costs_no_more_than_the_budget(fleet: Fleet, state: Path) -> None:
    fleet.cut_after = 3
    codes = []
    for _ in range(60):
        with pytest.raises((FetchFailed, TrustRefused)) as failed:
            bring(fleet.job(month_budget_bytes=20_000), state)
        codes.append(failed.value.why.code)
    assert codes[-1] == "release.budget_used_up"
    spent = Budget(state / "releases" / "spent", MONTH, 20_000).spent_bytes
    assert 20_000 < spent <= 20_000 + 16 * 1024
    asked = len(fleet.asked)
    with pytest.raises(FetchFailed):
        bring(fleet.job(month_budget_bytes=20_000), state)
    assert len(fleet.asked) == asked
    assert Budget(state / "releases" / "spent", "2000-01", 20_000).spent_bytes == 0


@pytest.mark.parametrize("byte", [0, 100])
def test_a_part_that_is_not_what_was_signed_is_refused_and_fetched_again(
    fleet: Fleet, state: Path, byte: int
) -> None:
    name = f"parts/{fleet.release.parts[0].sha256}"
    whole = fleet.files[name]
    fleet.files[name] = whole[:byte] + bytes([whole[byte] ^ 1]) + whole[byte + 1 :]
    with pytest.raises(PartUnfit) as refused:
        bring(fleet.job(), state)
    assert refused.value.why.code == "release.part_unfit"
    assert not (state / "releases" / "a").exists()
    fleet.files[name] = whole
    bring(fleet.job(), state)


def test_endless_data_is_cut_off_at_what_was_signed(fleet: Fleet, state: Path) -> None:
    for name in list(fleet.files):
        fleet.files[name] += b"x" * 100_000
    with pytest.raises(TrustRefused) as refused:
        bring(fleet.job(), state)
    assert refused.value.why.code == "trust.endless"
    assert Budget(state / "releases" / "spent", MONTH, 1).spent_bytes < 100_000


def test_a_release_of_another_machine_or_name_is_refused(fleet: Fleet, state: Path) -> None:
    with pytest.raises(TrustRefused) as refused:
        bring(fleet.job(name="0.3.0"), state)
    assert refused.value.why.code == "trust.not_a_target"
    release = Release(name="0.2.0", architecture="armv5", python=PYTHON, parts=fleet.release.parts)
    fleet.sign(encode_release(release))
    with pytest.raises(PartUnfit):
        bring(fleet.job(), state)


def test_a_release_that_does_not_begin_here_is_refused_before_it_is_tried(
    tmp_path: Path, state: Path
) -> None:
    (tmp_path / "fleet").mkdir()
    broken = {"passerelle": OURS | {"agent/run.py": b"import no_such_library\n"}}
    made = Fleet(tmp_path / "fleet", broken)
    serving = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        with pytest.raises(PartUnfit) as refused:
            bring(made.job(), state)
    finally:
        made.server.shutdown()
        serving.join()
        made.server.server_close()
    assert refused.value.why.code == "release.does_not_begin"
    assert "no_such_library" in str(refused.value)


def archive(*entries: tuple[str, bytes, bytes]) -> bytes:
    """Return an archive of (name, content, type)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for name, content, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.size, entry.type, entry.linkname = len(content), kind, "/etc/passwd"
            made.addfile(entry, io.BytesIO(content))
    return lzma.compress(buffer.getvalue())


def part_of(packed: bytes, files: int = 1, unpacked_bytes: int = 1) -> Part:
    sha256 = hashlib.sha256(packed).hexdigest()
    return Part(name="p", sha256=sha256, packed_bytes=len(packed), unpacked_bytes=unpacked_bytes, files=files)


@pytest.mark.parametrize(
    "packed",
    [
        archive(("../out", b"x", tarfile.REGTYPE)),
        archive(("/tmp/out", b"x", tarfile.REGTYPE)),
        archive(("link", b"", tarfile.SYMTYPE)),
        archive(("hard", b"", tarfile.LNKTYPE)),
        archive(("device", b"", tarfile.CHRTYPE)),
        archive(("a", b"x", tarfile.REGTYPE), ("b", b"", tarfile.REGTYPE)),
        archive(("a", b"xx", tarfile.REGTYPE)),
        archive(("a", b"", tarfile.REGTYPE)),
        archive(),
        b"no archive",
    ],
    ids=[
        "above",
        "absolute",
        "link",
        "hard link",
        "device",
        "more",
        "larger",
        "smaller",
        "none",
        "rubbish",
    ],
)
def test_an_archive_that_holds_other_than_it_says_is_refused(tmp_path: Path, packed: bytes) -> None:
    (tmp_path / "packed").write_bytes(packed)
    with pytest.raises(PartUnfit):
        unpack(part_of(packed), tmp_path / "packed", tmp_path / "site" / "deep")
    assert not (tmp_path / "site" / "out").exists()
    assert not Path("/tmp/out").exists()


def test_a_file_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    packed = archive(("a", b"x", tarfile.REGTYPE), ("a", b"y", tarfile.REGTYPE))
    (tmp_path / "packed").write_bytes(packed)
    with pytest.raises(PartUnfit):
        unpack(part_of(packed, files=2, unpacked_bytes=2), tmp_path / "packed", tmp_path / "site")


def test_an_archive_torn_at_any_byte_is_refused(tmp_path: Path) -> None:
    """Whatever its hash: one that was signed torn is refused as well."""
    whole = pack({"a": b"x"})
    for cut in range(len(whole)):
        (tmp_path / "packed").write_bytes(whole[:cut])
        with pytest.raises(PartUnfit):
            unpack(part_of(whole[:cut]), tmp_path / "packed", tmp_path / f"site-{cut}")
    (tmp_path / "packed").write_bytes(whole)
    unpack(part_of(whole), tmp_path / "packed", tmp_path / "site")
    assert (tmp_path / "site" / "a").read_bytes() == b"x"


def test_a_part_comes_no_faster_than_it_may(fleet: Fleet, tmp_path: Path) -> None:
    """At 16 kbit/s, 2,000 bytes a second, on a clock that moves by what was waited alone."""
    (part,) = (each for each in fleet.release.parts if each.name == "lib")
    waited: list[float] = []
    source = Source(
        base=fleet.job().url,
        ca_pem="",
        rate_kbit_per_s=16,
        spend=lambda _: None,
        monotonic_us=lambda: int(sum(waited) * 1_000_000),
        pause=waited.append,
    )
    source.part(part, tmp_path / "part")
    assert sum(waited) == pytest.approx(part.packed_bytes / 2_000, abs=0.001)


def test_two_processes_never_fill_one_slot(fleet: Fleet, state: Path) -> None:
    (state / "releases").mkdir()
    descriptor = os.open(state / "releases" / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(FetchFailed) as refused:
            bring(fleet.job(), state)
    finally:
        os.close(descriptor)
    assert refused.value.why.code == "release.fetched_already"
    bring(fleet.job(), state)


def _older(fleet: Fleet, before: dict[str, bytes]) -> None:
    fleet.repository.files |= before


def _frozen(fleet: Fleet, _: dict[str, bytes]) -> None:
    fleet.later = timedelta(days=30)


def _mixed(fleet: Fleet, before: dict[str, bytes]) -> None:
    repository = fleet.repository
    name = repository.newest("targets")
    repository.files[name] = next(before[each] for each in sorted(before) if each.endswith(".targets.json"))


def _foreign(fleet: Fleet, _: dict[str, bytes]) -> None:
    name = fleet.repository.newest("timestamp")
    others = SignedRepository()
    fleet.repository.files[name] = others.files[name]


def _tampered(fleet: Fleet, _: dict[str, bytes]) -> None:
    name = fleet.repository.newest("timestamp")
    later = edited(
        fleet.repository.files[name], lambda signed: setattr(signed, "version", signed.version + 1)
    )
    fleet.repository.files[name] = later


@pytest.mark.parametrize(
    ("attack", "codes"),
    [
        (_older, {"trust.older"}),
        (_frozen, {"trust.frozen", "trust.expired"}),
        (_mixed, {"trust.content_differs", "trust.mixed"}),
        (_foreign, {"trust.foreign"}),
        (_tampered, {"trust.tampered"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_an_attacker_serves_fills_no_slot(
    fleet: Fleet, state: Path, attack: Callable[[Fleet, dict[str, bytes]], None], codes: set[str]
) -> None:
    before = dict(fleet.repository.files)
    fleet.repository.add("releases/0.3.0/other.json", b"{}")
    bring(fleet.job(), state)
    fleet.repository.add("releases/0.4.0/other.json", b"{}")
    attack(fleet, before)
    parts = parts_asked(fleet)
    with pytest.raises(TrustRefused) as refused:
        bring(fleet.job(slot="b"), state)
    assert refused.value.why.code in codes
    assert parts_asked(fleet) == parts
    assert not (state / "releases" / "b").exists()


@pytest.mark.parametrize(("spare_bytes", "fits"), [(-1, False), (0, True)])
def test_a_card_without_room_is_named_before_a_part_is_fetched(
    fleet: Fleet, state: Path, spare_bytes: int, fits: bool
) -> None:
    unpacked_bytes = sum(part.unpacked_bytes for part in fleet.release.parts)
    free_bytes = fleet.release.packed_bytes + 2 * unpacked_bytes + MARGIN_BYTES + spare_bytes
    if fits:
        bring(fleet.job(), state, free=lambda _: free_bytes)
        return
    with pytest.raises(FetchFailed) as refused:
        bring(fleet.job(), state, free=lambda _: free_bytes)
    assert refused.value.why.code == "release.no_room"
    assert parts_asked(fleet) == 0
