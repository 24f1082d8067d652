import io
import tarfile

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet.backup import archive
from fleet.backup.archive import ArchiveRefused
from fleet.errors import MistakeError


@pytest.fixture
def identity():
    return pyrage.x25519.Identity.generate()


def written(path, recipients, members):
    with archive.writing(path, recipients) as tar:
        for name, content in members:
            archive.add(tar, name, content)
    return path


def read(path, identities=()):
    with archive.reading(path, identities) as members:
        return list(members)


MEMBERS = [("manifest.json", b"{}"), ("tables/000000", bytes(range(256)) * 4096), ("end.json", b"{}")]


def test_what_was_written_is_read_encrypted_or_not(tmp_path, identity):
    plain = written(tmp_path / "plain", (), MEMBERS)
    sealed = written(tmp_path / "sealed", (identity.to_public(),), MEMBERS)
    assert read(plain) == MEMBERS
    assert read(sealed, [identity]) == MEMBERS
    assert sealed.read_bytes().startswith(archive.AGE_MAGIC)
    assert plain.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "sealed"]


def test_any_of_the_keys_opens_an_archive(tmp_path, identity):
    other = pyrage.x25519.Identity.generate()
    sealed = written(tmp_path / "sealed", (identity.to_public(), other.to_public()), MEMBERS)
    assert read(sealed, [other]) == MEMBERS


def test_without_the_key_nothing_is_read(tmp_path, identity):
    sealed = written(tmp_path / "sealed", (identity.to_public(),), MEMBERS)
    with pytest.raises(ArchiveRefused, match="--identity"):
        read(sealed)
    with pytest.raises(ArchiveRefused, match="another key"):
        read(sealed, [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("damage", ["cut off", "one bit"])
def test_a_damaged_archive_is_refused(tmp_path, identity, encrypted, damage):
    path = written(tmp_path / "a", (identity.to_public(),) if encrypted else (), MEMBERS)
    content = bytearray(path.read_bytes())
    if damage == "cut off":
        content = content[:-30]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveRefused):
        read(path, [identity] if encrypted else ())


def test_a_failure_while_writing_leaves_no_file(tmp_path, identity):
    def members():
        yield MEMBERS[0]
        raise KeyError

    with pytest.raises(KeyError):
        written(tmp_path / "sealed", (identity.to_public(),), members())
    assert list(tmp_path.iterdir()) == []


def test_the_reason_of_who_reads_is_kept(tmp_path, identity):
    sealed = written(tmp_path / "sealed", (identity.to_public(),), [("x", bytes(5_000_000))])

    def refuse():
        with archive.reading(sealed, [identity]) as members:
            next(members)
            raise ArchiveRefused("of another fleet")

    with pytest.raises(ArchiveRefused, match="of another fleet"):
        refuse()


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"PK\3\4")
    with pytest.raises(ArchiveRefused, match="no archive"):
        read(tmp_path / "x")
    with tarfile.open(tmp_path / "links", "w:gz") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member, io.BytesIO())
    with pytest.raises(ArchiveRefused, match="no part"):
        read(tmp_path / "links")


def test_keys_are_read_from_files_of_age_and_ssh(tmp_path, identity):
    path = tmp_path / "key.txt"
    path.write_text(f"# created\n# public key: {identity.to_public()}\n{identity}\n")
    assert [str(one) for one in archive.read_identities(path)] == [str(identity)]
    for content in ("", "rubbish\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"):
        path.write_text(content)
        with pytest.raises(MistakeError, match="no private key"):
            archive.read_identities(path)


def test_a_public_key_is_checked_when_it_is_set(identity):
    assert str(archive.parse_recipient(str(identity.to_public()))) == str(identity.to_public())
    public = Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    assert isinstance(archive.parse_recipient(line), pyrage.ssh.Recipient)
    for text in ("", "age1x", str(identity), "ssh-ed25519 x"):
        with pytest.raises(MistakeError, match="no public key"):
            archive.parse_recipient(text)
