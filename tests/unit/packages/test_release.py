"""A release is a set of parts that depends on its content alone; a patch release changes one of them."""

import hashlib
import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from agent.wire.release import (
    PARTS_LIMIT,
    UNPACKED_LIMIT_BYTES,
    ReleaseUnfit,
    decode_release,
    encode_release,
)
from packages.build import ROOT
from packages.release import OURS, build, file_name, library_files, our_files, pack

PATCH_LIMIT_BYTES = 2_000_000
LIBRARY = {"lib/__init__.py": b"x = 1\n" * 50, "lib-1.dist-info/METADATA": b"Name: lib\n"}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    ours = our_files(ROOT, "0.1.0")
    first = build("0.1.1", {OURS: ours, "lib": LIBRARY}, "x86_64", "3.11", tmp_path / "a")
    turned = {path: ours[path] for path in reversed(list(ours))}
    second = build("0.1.1", {"lib": LIBRARY, OURS: turned}, "x86_64", "3.11", tmp_path / "b")
    assert first == second
    for folder in ("a", "b"):
        names = {path.name for path in (tmp_path / folder / "parts").iterdir()}
        assert names == {part.sha256 for part in first.parts}
    written = [(tmp_path / folder / file_name(first)).read_bytes() for folder in ("a", "b")]
    assert written[0] == written[1] == encode_release(decode_release(written[0]))


def test_a_patch_release_changes_one_part_of_less_than_2_mb(tmp_path: Path) -> None:
    ours = our_files(ROOT, "0.1.0")
    before = build("0.1.0", {OURS: ours, "lib": LIBRARY}, "x86_64", "3.11", tmp_path)
    changed = {**ours, "agent/run.py": ours["agent/run.py"] + b"# repaired\n"}
    after = build("0.1.1", {OURS: changed, "lib": LIBRARY}, "x86_64", "3.11", tmp_path)
    new = [part for part in after.parts if part not in before.parts]
    assert [part.name for part in new] == [OURS]
    cost_bytes = sum(part.packed_bytes for part in new) + len((tmp_path / file_name(after)).read_bytes())
    assert cost_bytes <= PATCH_LIMIT_BYTES


def test_our_part_is_what_a_gateway_s_package_holds() -> None:
    ours = our_files(ROOT, "0.1.0")
    assert {path.partition("/")[0] for path in ours} == {
        *("agent", "firmware", "hal", "passerelle"),
        "passerelle-0.1.0.dist-info",
    }
    assert "agent/run.py" in ours
    assert not [path for path in ours if "__pycache__" in path or "/benches/" in path]


def test_a_library_is_split_off_by_its_record(tmp_path: Path) -> None:
    record = "lib/__init__.py,sha256=x,1\nlib/__pycache__/__init__.cpython-311.pyc,,\nbin/lib,,\n"
    for path, content in {
        "lib/__init__.py": "x = 1\n",
        "My_Lib-1.0.dist-info/RECORD": record
        + "My_Lib-1.0.dist-info/METADATA,,\nMy_Lib-1.0.dist-info/RECORD,,\n",
        "My_Lib-1.0.dist-info/METADATA": "Name: My_Lib\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content)
    assert library_files(tmp_path) == {
        "my-lib": {"lib/__init__.py": b"x = 1\n", "My_Lib-1.0.dist-info/METADATA": b"Name: My_Lib\n"}
    }


def test_an_archive_holds_no_time_owner_or_mode_of_its_builder() -> None:
    os.umask(os.umask(0o077))
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(pack(LIBRARY)))) as archive:
        for entry in archive.getmembers():
            assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) == (0, 0, 0, "", 0o644)
        assert [entry.name for entry in archive.getmembers()] == sorted(LIBRARY)


PART = {"name": "lib", "sha256": "0" * 64, "packed_bytes": 1, "unpacked_bytes": 1, "files": 1}
RELEASE = {"name": "1.0", "architecture": "x86_64", "python": "3.11", "parts": [PART]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "../../etc"}, "release.unfit"),
        ({"name": ""}, "release.unfit"),
        ({"python": "2.7"}, "release.unfit"),
        ({"parts": []}, "release.unfit"),
        ({"parts": [PART] * (PARTS_LIMIT + 1)}, "release.unfit"),
        ({"parts": [PART, PART]}, "release.part_twice"),
        ({"parts": [PART | {"sha256": "0" * 63}]}, "release.unfit"),
        ({"parts": [PART | {"packed_bytes": 0}]}, "release.unfit"),
        ({"more": 1}, "release.unfit"),
        (
            {
                "parts": [
                    PART | {"name": f"p{n}", "unpacked_bytes": UNPACKED_LIMIT_BYTES // 2 + 1} for n in (1, 2)
                ]
            },
            "release.too_large",
        ),
    ],
)
def test_a_file_that_describes_no_release_is_refused_by_name(change: dict[str, object], code: str) -> None:
    import msgspec

    decode_release(msgspec.json.encode(RELEASE))
    with pytest.raises(ReleaseUnfit) as refused:
        decode_release(msgspec.json.encode(RELEASE | change))
    assert refused.value.why.code == code


@pytest.mark.parametrize("rubbish", [b"", b"\xff", b"[" * 100_000, b"{}", hashlib.sha256(b"").digest()])
def test_rubbish_is_refused(rubbish: bytes) -> None:
    with pytest.raises(ReleaseUnfit):
        decode_release(rubbish)
