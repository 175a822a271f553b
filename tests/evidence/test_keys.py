import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from watchfloor.errors import InputError, StoreError
from watchfloor.evidence import read_public_key, signing_key
from watchfloor.evidence.keys import public_pem
from watchfloor.evidence.verify import read_public_key as read_without_cryptography


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "data")
    folder = tmp_path / "data" / "keys"
    assert signing_key(tmp_path / "data").private_bytes_raw() == key.private_bytes_raw()
    assert sorted(path.name for path in folder.iterdir()) == ["evidence.pem", "evidence.pub"]
    assert (mode(folder), mode(folder / "evidence.pem")) == (0o700, 0o600)
    assert (folder / "evidence.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert read_public_key(folder / "evidence.pub") == key.public_key()


def test_all_who_start_at_once_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: signing_key(tmp_path).private_bytes_raw(), range(16)))
    assert len(set(keys)) == 1


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o666, 0o620])
def test_a_key_that_others_could_read_is_refused(tmp_path: Path, bits: int) -> None:
    signing_key(tmp_path)
    (tmp_path / "keys" / "evidence.pem").chmod(bits)
    with pytest.raises(StoreError, match="others can read the signing key"):
        signing_key(tmp_path)


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    signing_key(tmp_path)
    (tmp_path / "keys").chmod(0o777)
    with pytest.raises(StoreError, match="others can write"):
        signing_key(tmp_path)


def test_a_link_is_no_key(tmp_path: Path) -> None:
    signing_key(tmp_path)
    path = tmp_path / "keys" / "evidence.pem"
    path.rename(tmp_path / "elsewhere.pem")
    path.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(StoreError, match=r"evidence\.pem"):
        signing_key(tmp_path)


PKCS8 = (Encoding.PEM, PrivateFormat.PKCS8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100_000,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        X25519PrivateKey.generate().private_bytes(*PKCS8, NoEncryption()),
        Ed25519PrivateKey.generate().private_bytes(*PKCS8, BestAvailableEncryption(b"x")),
        public_pem(Ed25519PrivateKey.generate().public_key()),
    ],
    ids=["empty", "nul", "garbage", "x25519", "encrypted", "public"],
)
def test_what_is_no_private_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    signing_key(tmp_path)
    path = tmp_path / "keys" / "evidence.pem"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"evidence\.pem: not an"):
        signing_key(tmp_path)
    assert path.read_bytes() == content


def test_a_lost_public_half_comes_back_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    key = signing_key(tmp_path)
    public = tmp_path / "keys" / "evidence.pub"
    public.unlink()
    signing_key(tmp_path)
    assert read_public_key(public) == key.public_key()
    public.write_bytes(public_pem(Ed25519PrivateKey.generate().public_key()))
    with pytest.raises(StoreError, match="not the public half"):
        signing_key(tmp_path)
    public.write_bytes(b"?")
    with pytest.raises(StoreError, match="not a public key"):
        signing_key(tmp_path)


def test_a_data_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreError, match="data"):
        signing_key(tmp_path / "data")


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k.pub"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"k\.pub: not a public key"):
        read_public_key(path)
    with pytest.raises(ValueError, match=r"not an Ed25519 public key|base64|padding"):
        read_without_cryptography(content)
    with pytest.raises(InputError, match="No such file"):
        read_public_key(tmp_path / "absent.pub")


def test_another_kind_of_public_key_is_an_input_error(tmp_path: Path) -> None:
    pem = X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "k.pub").write_bytes(pem)
    with pytest.raises(InputError, match="not an Ed25519 key"):
        read_public_key(tmp_path / "k.pub")
    with pytest.raises(ValueError, match="not an Ed25519"):
        read_without_cryptography(pem)


def test_the_script_reads_the_same_public_key() -> None:
    public = Ed25519PrivateKey.generate().public_key()
    assert read_without_cryptography(public_pem(public)) == public.public_bytes_raw()
