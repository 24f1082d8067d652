"""What gateways fetch: documents and parts, from a byte on, without a login; bounded, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from fleet.trust.documents import (
    TIMESTAMP_LIFE,
    Holders,
    first_root,
    first_targets,
    next_targets,
    signed_with,
)
from fleet.trust.keys import named
from fleet.trust.repository import Repository
from fleet.web.api import releases
from packages.release import build, file_name
from tests.unit.fleet.web.api.site import Site

PATH = "/api/v1/releases"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return Site(tmp_path_factory.mktemp("site"), open_access=False)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def part(site: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A published release of one part; return the part."""
    away = tmp_path_factory.mktemp("away")
    now = datetime.fromtimestamp(site.clock.now / 1_000_000, UTC)
    key, repository = Ed25519PrivateKey.generate(), Repository(site.folder)
    other = Ed25519PrivateKey.generate()
    online: Any = load_pem_public_key(repository.online_public())
    holders = (Holders(keys=(named(each.public_key(), "x"),)) for each in (key, other))
    root = signed_with(first_root(*holders, named(online, "online"), now), key)
    release = build("0.2.0", {"lib": {"lib.py": bytes(range(256)) * 40}}, "x86_64", "3.11", away)
    file = (away / file_name(release)).read_bytes()
    empty = first_targets(now)
    repository.accept([root, signed_with(empty, other)], [], now)
    listed = signed_with(next_targets(empty, now, add={release.path: file}), other)
    repository.accept([listed], [file], now, parts=away / "parts")
    return (away / "parts" / release.parts[0].sha256).read_bytes()


def test_documents_and_parts_are_given_whole_and_from_a_byte_on(site: Any, part: bytes) -> None:
    for name in ("1.root.json", "2.targets.json", "timestamp.json"):
        answer = site.client.get(f"{PATH}/metadata/{name}")
        assert (answer.status_code, answer.content) == (200, (site.folder / "trust" / name).read_bytes())
    (name,) = (path.name for path in (site.folder / "trust" / "parts").iterdir())
    assert site.client.get(f"{PATH}/parts/{name}").content == part
    answer = site.client.get(f"{PATH}/parts/{name}", headers={"Range": "bytes=7-"})
    assert (answer.status_code, answer.content) == (206, part[7:])
    assert (
        site.client.get(f"{PATH}/parts/{name}", headers={"Range": f"bytes={len(part)}-"}).status_code == 416
    )


@pytest.mark.parametrize(
    "name",
    ["metadata/9.root.json", "metadata/lock", "parts/" + "0" * 64, "targets/x", "parts/..", "keys/ca.key"],
)
def test_nothing_else_is_given(site: Any, part: bytes, name: str) -> None:
    assert site.client.get(f"{PATH}/{name}").status_code in {404, 422}


def test_a_stale_timestamp_is_signed_anew_when_it_is_asked_for(site: Any, part: bytes) -> None:
    before = site.client.get(f"{PATH}/metadata/timestamp.json").content
    assert site.client.get(f"{PATH}/metadata/timestamp.json").content == before
    site.clock.now += int(TIMESTAMP_LIFE.total_seconds() * 1_000_000 * 0.6)
    after = site.client.get(f"{PATH}/metadata/timestamp.json").content
    assert after != before
    now = datetime.fromtimestamp(site.clock.now / 1_000_000, UTC)
    assert Repository(site.folder).trusted(now).timestamp.data == after  # type: ignore[union-attr]


def test_only_so_many_at_once(site: Any, part: bytes) -> None:
    for _ in range(releases.AT_ONCE_LIMIT):
        assert releases._slots.acquire(blocking=False)
    try:
        assert site.client.get(f"{PATH}/metadata/1.root.json").status_code == 503
    finally:
        for _ in range(releases.AT_ONCE_LIMIT):
            releases._slots.release()
    for _ in range(releases.AT_ONCE_LIMIT + 1):
        assert site.client.get(f"{PATH}/metadata/1.root.json").status_code == 200
