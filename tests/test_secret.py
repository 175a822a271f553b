"""A secret is read where it is named, and shown nowhere."""

from pathlib import Path

import msgspec
import pytest

from watchfloor.errors import InputError
from watchfloor.secret import Secret


def test_it_is_read_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(" s3cret\n")
    monkeypatch.setenv("WATCHFLOOR_TEST_TOKEN", "fr0m-env")
    assert Secret(file=tmp_path / "token").read() == "s3cret"
    assert Secret(env="WATCHFLOOR_TEST_TOKEN").read() == "fr0m-env"


def test_it_is_the_reference_that_is_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    secret = Secret(file=tmp_path / "token")
    secret.read()
    assert "s3cret" not in repr(secret) + str(secret)


def test_one_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="environment variable WATCHFLOOR_NOT_SET: no secret there"):
        Secret(env="WATCHFLOOR_NOT_SET").read()
    with pytest.raises(InputError, match="no-such-file: No such file"):
        Secret(file=tmp_path / "no-such-file").read()


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\xffp4ss", "not UTF-8"), (b"p4ss" * 20_000, "longer than"), (b" \n", "no secret there")]
)
def test_what_cannot_be_one_is_refused_without_being_told(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(data)
    with pytest.raises(InputError, match=reason) as raised:
        Secret(file=path).read()
    assert "p4ss" not in str(raised.value)


@pytest.mark.parametrize("text", ["{}", '{"file": "a", "env": "b"}', '{"value": "p4ss"}'])
def test_settings_name_one_place_and_never_the_secret(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Secret)
