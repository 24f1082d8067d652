import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.lang.text import BREAKS, ascii_only, one_line, paragraph


@pytest.mark.parametrize("broken", BREAKS)
def test_every_break_is_a_space_in_a_line_and_a_line_feed_in_a_paragraph(broken: str) -> None:
    assert one_line(f"Vouvray{broken}château") == "Vouvray château"
    assert paragraph(f"Vouvray{broken}château") == "Vouvray\nchâteau"


@pytest.mark.parametrize(
    "hidden", ["\0", "\x08", "\x1b", "\x7f", "\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad"]
)
def test_what_is_invisible_is_gone(hidden: str) -> None:
    assert one_line(f"Vou{hidden}vray") == "Vouvray"


def test_half_a_pair_becomes_a_letter_that_every_file_takes() -> None:
    assert one_line("a\ud800b").encode() == "a\ufffdb".encode()


def test_what_people_write_on_purpose_stays() -> None:
    assert (
        one_line("Bléré\u202f: 12\u202f% 👩\u200d🔧 « œuvre »")
        == "Bléré\u202f: 12\u202f% 👩\u200d🔧 « œuvre »"
    )


@given(st.text())
def test_a_line_is_a_line_for_everybody_and_folding_twice_is_folding(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == line.strip(" \t") == unicodedata.normalize("NFC", line)
    assert one_line(line) == line
    assert ascii_only(line).isascii()
    assert paragraph(paragraph(text)) == paragraph(text)
    paragraph(text).encode()
