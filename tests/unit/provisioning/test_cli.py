import json
from pathlib import Path

import pytest

from agent.wire.order import WorkOrder, encode_order
from agent.wire.partition import PARTITION_BYTES, PartitionError, add_settings, decode_settings
from provisioning import medium
from provisioning.cli import main
from provisioning.plan import Refusal, Target, make_plan, refusal

ORDER = WorkOrder(
    eui="0016c001f12a3b4c",
    site="Mairie de Vouvray",
    enrol_url="https://fleet.example",
    token="t" * 43,
    valid_until_us=4_000_000_000_000_000,
    fleet_ca_pem="-",
    fleet_public_key="00" * 32,
    configuration=b"x",
)


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.json"
    path.write_bytes(encode_order(ORDER))
    return path


def test_flash_writes_an_image_that_check_accepts(
    order: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.img"
    assert main(["flash", "--order", str(order), "--output", str(output), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["phase"] for line in lines if line["event"] == "progress"} == {"write", "verify"}
    assert lines[-1]["event"] == "done"
    assert decode_settings(medium.read_settings(output)) == ORDER
    assert main(["check", "--image", str(output)]) == 0
    assert "Mairie de Vouvray" in capsys.readouterr().out


def test_base_image_is_copied_byte_by_byte(order: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.img"
    base.write_bytes(bytes(510) + b"\x55\xaa" + bytes(range(256)) * 9000)
    output = tmp_path / "out.img"
    assert main(["flash", "--order", str(order), "--output", str(output), "--image", str(base)]) == 0
    assert output.read_bytes()[512 : base.stat().st_size] == base.read_bytes()[512:]
    assert decode_settings(medium.read_settings(output)).eui == ORDER.eui


@pytest.mark.parametrize(
    ("document", "word"),
    [(b"{", "Ordre"), (b'{"eui": "12"}', "Ordre"), (None, "introuvable")],
)
def test_bad_order_is_refused_in_french(
    document: bytes | None, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "order.json"
    if document is not None:
        path.write_bytes(document)
    assert main(["flash", "--order", str(path), "--output", str(tmp_path / "o.img")]) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "o.img").exists()


def test_damaged_image_is_refused(order: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.img"
    main(["flash", "--order", str(order), "--output", str(output)])
    content = bytearray(output.read_bytes())
    content[1024 * 1024 + 100] ^= 1
    output.write_bytes(bytes(content))
    assert main(["check", "--image", str(output)]) == 1
    assert "sha256" in capsys.readouterr().err


FILE = Target(is_device=False, is_other=False, mounted_on=(), capacity_bytes=None)
CARD = Target(is_device=True, is_other=False, mounted_on=(), capacity_bytes=1 << 30)


@pytest.mark.parametrize(
    ("target", "confirmed", "now_us", "expected"),
    [
        (FILE, False, 0, None),
        (FILE, False, ORDER.valid_until_us - 1, None),
        (FILE, False, ORDER.valid_until_us, Refusal.ORDER_EXPIRED),
        (
            Target(is_device=False, is_other=True, mounted_on=(), capacity_bytes=None),
            True,
            0,
            Refusal.NOT_A_TARGET,
        ),
        (CARD, False, 0, Refusal.DEVICE_UNCONFIRMED),
        (CARD, True, 0, None),
        (
            Target(is_device=True, is_other=False, mounted_on=("/",), capacity_bytes=1 << 30),
            True,
            0,
            Refusal.MOUNTED,
        ),
        (
            Target(is_device=True, is_other=False, mounted_on=(), capacity_bytes=2 * 1024 * 1024 - 1),
            True,
            0,
            Refusal.TOO_SMALL,
        ),
        (
            Target(is_device=True, is_other=False, mounted_on=(), capacity_bytes=2 * 1024 * 1024),
            True,
            0,
            None,
        ),
    ],
)
def test_refusals(target: Target, confirmed: bool, now_us: int, expected: Refusal | None) -> None:
    plan = make_plan(ORDER, base_sector0=b"", base_bytes=0)
    assert refusal(plan, target, ORDER, confirmed=confirmed, now_us=now_us) is expected


def test_image_without_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.img"
    path.write_bytes(bytes(510) + b"\x55\xaa")
    with pytest.raises(PartitionError, match="0 settings partitions"):
        medium.read_settings(path)


def test_the_settings_that_a_base_image_keeps_free_are_filled_and_all_else_stays(
    order: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base.img"
    sector, offset = add_settings(b"", image_bytes=0)
    behind = bytes(range(256)) * 8_000
    base.write_bytes(sector + b"x" * (offset - len(sector)) + bytes(PARTITION_BYTES) + behind)
    output = tmp_path / "out.img"
    arguments = ["flash", "--order", str(order), "--output", str(output), "--image"]
    assert main([*arguments, str(base)]) == 0
    assert decode_settings(medium.read_settings(output)) == ORDER
    written, meant = output.read_bytes(), base.read_bytes()
    end = offset + PARTITION_BYTES
    assert (written[:offset], written[end:]) == (meant[:offset], meant[end:])
    assert main([*arguments, str(output)]) == 2
    assert "déjà" in capsys.readouterr().err
