from pathlib import Path

from agent.durable import write_durably, write_if_possible


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_durably(path, b"new" * 100_000)
    assert path.read_bytes() == b"new" * 100_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "f.new").exists()


def test_a_torn_file_beside_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "f.new").write_bytes(b"torn" * 10)
    write_durably(tmp_path / "f", b"x")
    assert (tmp_path / "f").read_bytes() == b"x"


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    assert write_if_possible(tmp_path / "f", b"x")
    assert not write_if_possible(tmp_path / "gone" / "f", b"x")
