"""``evidence verify``: an auditor with a file and a key."""

import shutil
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.cli.conftest import Run
from tests.conftest import Investigation

from watchfloor.evidence.keys import public_pem


@pytest.fixture
def pack(investigated: Investigation, tmp_path: Path) -> Path:
    """The pack of the smaller case."""
    uid = investigated.outcome.cases[-1].uid
    return Path(shutil.copyfile(investigated.folder.packs / f"{uid}.zip", tmp_path / "case.zip"))


@pytest.fixture
def key(investigated: Investigation) -> Path:
    return investigated.folder.path / "keys" / "evidence.pub"


def test_the_key_that_signed_is_status_0(run: Run, pack: Path, key: Path) -> None:
    ran = run("evidence", "verify", pack, "--key", key)
    assert (ran.status, ran.out) == (0, "")
    assert "verified" in ran.err.lower()


def test_no_key_is_status_1_and_an_unknown_signer(run: Run, pack: Path) -> None:
    ran = run("evidence", "verify", pack)
    assert (ran.status, ran.out) == (1, "")
    assert "signer unknown" in ran.err


def test_another_key_is_status_1(run: Run, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pub").write_bytes(public_pem(Ed25519PrivateKey.generate().public_key()))
    ran = run("evidence", "verify", pack, "--key", tmp_path / "other.pub")
    assert (ran.status, ran.out) == (1, "")
    assert "does not verify" in ran.err


def test_a_file_that_was_altered_is_named(run: Run, pack: Path, key: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(altered, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, data.replace(b"critical", b"lowly   ") + b" " if info.filename == "case.json" else data)
    ran = run("evidence", "verify", altered, "--key", key)
    assert (ran.status, ran.out) == (1, "")
    assert [line for line in ran.err.splitlines() if "case.json" in line and not line.startswith("ok")]
    assert [line for line in ran.err.splitlines() if line.startswith("ok") and "events.ndjson" in line]


def test_what_cannot_be_read_is_status_2_and_one_line(run: Run, pack: Path, key: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("neither a pack nor a key")
    for arguments in (
        (tmp_path / "nowhere", "--key", key),
        (pack, "--key", tmp_path / "nowhere"),
        (pack, "--key", text),
    ):
        ran = run("evidence", "verify", *arguments)
        assert (ran.status, ran.out) == (2, "")
        assert len(ran.err.splitlines()) == 1


def test_a_file_that_is_no_pack_does_not_verify(run: Run, key: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no pack")
    ran = run("evidence", "verify", tmp_path / "text", "--key", key)
    assert (ran.status, ran.out) == (1, "")
    assert "does not verify" in ran.err
