from pathlib import Path

from agent.journal.recent import FILE_LIMIT_BYTES, FILES, LINE_CHARACTERS, LINES_LIMIT, RecentLog, read_lines


def write_line(log: RecentLog, number: int, text: str = "radio") -> None:
    log(None, "info", {"event": text, "number": number})


def test_the_last_lines_survive_a_process_that_is_killed(tmp_path: Path) -> None:
    log = RecentLog()
    write_line(log, 0)
    log.keep(tmp_path)
    write_line(log, 1)
    write_line(log, 2, "a\nb")
    after = RecentLog()
    after.keep(tmp_path)
    assert after.before == ["info radio number=1", "info a b number=2"]
    assert after.newest(10) == []
    write_line(after, 3)
    assert [number for number, _ in read_lines(tmp_path)] == [1, 2, 3]


def test_the_files_are_bounded_and_hold_the_newest(tmp_path: Path) -> None:
    log = RecentLog()
    log.keep(tmp_path)
    count = 4 * FILE_LIMIT_BYTES // LINE_CHARACTERS
    for number in range(count):
        write_line(log, number, "x" * LINE_CHARACTERS)
    sizes = [(tmp_path / name).stat().st_size for name in FILES]
    assert max(sizes) <= FILE_LIMIT_BYTES + 2 * LINE_CHARACTERS
    numbers = [number for number, _ in read_lines(tmp_path)]
    assert numbers[-1] == count
    assert numbers == list(range(numbers[0], count + 1))
    assert len(log.newest(10_000)) == min(count, LINES_LIMIT)


def test_a_torn_line_is_left_out_and_numbers_go_on(tmp_path: Path) -> None:
    (tmp_path / FILES[0]).write_bytes(b"000000000007 info one\n00000000")
    log = RecentLog()
    log.keep(tmp_path)
    assert log.before == ["info one"]
    write_line(log, 8)
    assert read_lines(tmp_path)[0] == (7, "info one")


def test_a_disk_that_refuses_costs_only_the_copy_on_disk(tmp_path: Path) -> None:
    log = RecentLog()
    log.keep(tmp_path / "gone")
    write_line(log, 1)
    log.sync()
    assert log.refused >= 1
    assert log.newest(1) == ["info radio number=1"]
