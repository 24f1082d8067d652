"""Photos lose their EXIF and stay pictures: checked with Pillow, which WeasyPrint brings."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.tickets.photos import (
    PHOTO_LIMIT_BYTES,
    PIXELS_LIMIT,
    PNG_START,
    SIDE_LIMIT,
    PhotoRefused,
    picture_of,
    stripped,
)

Image = pytest.importorskip("PIL.Image")
PngInfo = pytest.importorskip("PIL.PngImagePlugin").PngInfo


def jpeg() -> bytes:
    image = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "SECRET-MAKER"
    exif.get_ifd(0x8825)[2] = (47.0, 21.0, 0.0)
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, comment=b"SECRET-COMMENT", progressive=True)
    return file.getvalue()


def png() -> bytes:
    info = PngInfo()
    info.add_text("Author", "SECRET-AUTHOR")
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "PNG", pnginfo=info)
    return file.getvalue()


@pytest.mark.parametrize("data", [jpeg(), png()], ids=["jpeg", "png"])
def test_the_secret_goes_and_every_pixel_stays(data: bytes) -> None:
    assert b"SECRET" in data
    clean = stripped(data + b"SECRET behind the end")
    assert b"SECRET" not in clean
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(clean))
    assert before.tobytes() == after.tobytes()
    assert not after.getexif()
    assert stripped(clean) == clean


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(png())
    data[20] ^= 1
    with pytest.raises(PhotoRefused, match="checksum"):
        stripped(bytes(data))


def test_text_chunks_go_and_needed_ones_stay() -> None:
    body = b"tEXtplace\x0047.35,0.84"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = png()
    clean = stripped(data[:33] + chunk + data[33:])
    assert clean.startswith(PNG_START)
    assert b"47.35" not in clean


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7", b"<svg/>"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(PhotoRefused, match="JPEG nor PNG"):
        stripped(data)


def test_the_size_limit() -> None:
    with pytest.raises(PhotoRefused, match="at most"):
        stripped(b"\xff\xd8" + bytes(PHOTO_LIMIT_BYTES - 1))
    with pytest.raises(PhotoRefused, match="damaged"):
        stripped(b"\xff\xd8" + bytes(PHOTO_LIMIT_BYTES - 2))


@given(st.sampled_from([jpeg(), png()]), st.integers(0, 10_000), st.binary(max_size=8))
def test_damage_is_refused_or_survived_and_never_crashes(data: bytes, at: int, rubbish: bytes) -> None:
    at %= len(data)
    with contextlib.suppress(PhotoRefused):
        stripped(data[:at] + rubbish + data[at + len(rubbish) :])
    with pytest.raises(PhotoRefused, match="photo:"):
        stripped(data[:at])


def sized(data: bytes, width: int, height: int) -> bytes:
    """The same picture, whose head says another size."""
    if data.startswith(PNG_START):
        head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    at = data.index(b"\xff\xc2")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@pytest.mark.parametrize("data", [jpeg(), png()], ids=["jpeg", "png"])
@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (SIDE_LIMIT, PIXELS_LIMIT // SIDE_LIMIT, True),
        (SIDE_LIMIT, PIXELS_LIMIT // SIDE_LIMIT + 1, False),
        (SIDE_LIMIT + 1, 1, False),
        (60_000, 60_000, False),
        (0, 10, False),
    ],
)
def test_a_picture_is_bounded_in_what_it_decodes_to(
    data: bytes, width: int, height: int, taken: bool
) -> None:
    refused = contextlib.nullcontext() if taken else pytest.raises(PhotoRefused)
    with refused:
        picture_of(sized(data, width, height))
