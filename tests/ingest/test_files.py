"""Arguments: files, folders, pipes and standard input; what cannot be read is said once, and nothing hangs."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from watchfloor.errors import InputError


def write(name: str, data: bytes = b'{"a":1}\n') -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(data)


def test_a_folder_is_read_whole_and_in_order(ingest: Any) -> None:
    for name in ("in/b.json", "in/a/z.json", "in/a.json", "in/a/y/x.json", "in/.hidden"):
        write(name)
    result = ingest("in", "in/b.json")
    assert [row["path"] for row in result.rows] == [
        *("in/.hidden", "in/a.json", "in/b.json", "in/a/z.json", "in/a/y/x.json", "in/b.json"),
    ]


def test_content_decides_not_the_name(ingest: Any) -> None:
    write("in/report.pdf.exe")
    write("in/log.evtx", b"Name,Id\nx,1\n")
    write("in/x.gz", b'[{"a":1}]')
    assert len(ingest("in").raw) == 3


def test_paths_are_text_or_path(ingest: Any) -> None:
    write("a.json")
    assert [row["path"] for row in ingest(Path("a.json"), "./a.json").rows] == ["a.json", "./a.json"]


@pytest.mark.parametrize("path", ["missing.json", "missing/x.json", "a.json/x", "nul\0", "x" * 5000, "new\nline"])
def test_a_missing_path(ingest: Any, path: str) -> None:
    write("a.json")
    with pytest.raises(InputError) as caught:
        ingest("a.json", path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(path[:3])


def test_it_is_said_before_anything_is_read(tmp_path: Path) -> None:
    from watchfloor.clock import system_clock  # noqa: PLC0415
    from watchfloor.ingest import read  # noqa: PLC0415

    with pytest.raises(InputError, match=r"nowhere: No such file or directory"):
        read([tmp_path / "nowhere"], tenant="acme", clock=system_clock, on_dead_letter=print)


def test_nothing_named(ingest: Any) -> None:
    with pytest.raises(InputError, match="nothing to read"):
        ingest()


def test_a_folder_without_files(ingest: Any) -> None:
    Path("in/a/b").mkdir(parents=True)
    with pytest.raises(InputError, match="in: the folder holds no files"):
        ingest("in")
    with pytest.raises(InputError, match="neither a file, a folder nor a pipe"):
        ingest("/dev/null")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(ingest: Any) -> None:
    write("in/secret.json")
    write("in/z.json")
    Path("in/secret.json").chmod(0)
    result = ingest("in")
    assert len(result.raw) == 1
    assert result.reasons == ["in/secret.json:1: cannot be read: Permission denied"]
    with pytest.raises(InputError, match=r"in/secret\.json: Permission denied"):
        ingest("in/secret.json")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_on(ingest: Any) -> None:
    assert ingest("/proc/self/mem").reasons == ["/proc/self/mem:1: cannot be read: Input/output error"]


def test_links_pipes_and_sockets_in_a_folder_are_passed_over(ingest: Any) -> None:
    write("outside.json")
    write("in/a.json")
    Path("in/loop").symlink_to(".")
    Path("in/self").symlink_to("self")
    Path("in/out.json").symlink_to("../outside.json")
    Path("in/zero").symlink_to("/dev/zero")
    os.mkfifo("in/pipe")
    result = ingest("in")
    assert [row["path"] for row in result.rows] == ["in/a.json"]
    link = "symbolic link in a folder, not followed; name its target to read it"
    assert result.reasons == [
        f"in/loop:1: {link}",
        f"in/out.json:1: {link}",
        "in/pipe:1: neither a file nor a folder, not read",
        f"in/self:1: {link}",
        f"in/zero:1: {link}",
    ]


def test_a_named_link_is_followed(ingest: Any) -> None:
    write("in/a.json")
    Path("link").symlink_to("in")
    Path("one").symlink_to("in/a.json")
    assert [row["path"] for row in ingest("link", "one").rows] == ["link/a.json", "one"]


def test_a_named_pipe_is_read(ingest: Any) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen([sys.executable, "-c", "open('pipe', 'w').write('{\"a\":1}\\n' * 3)"]):
        assert len(ingest("pipe").raw) == 3


def test_standard_input(ingest: Any) -> None:
    progress: list[tuple[str, int, int]] = []
    result = ingest("-", stdin=io.BytesIO(b'{"a":1}\n'), on_progress=lambda *step: progress.append(step))
    assert result.places == [("-", 1, None)]
    assert progress[-1] == ("-", 8, 0)
    assert ingest("-", stdin=io.BytesIO()).reasons == ["-:1: empty file"]


def test_names_that_do_not_print(ingest: Any) -> None:
    write(os.fsdecode(b"in/\xff\n\x1b[31m.json"))
    (row,) = ingest("in").rows
    assert row["path"] == "in/\\udcff\\n\\x1b[31m.json"


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \t\r\n", b"[]", b'{"Records":[]}'])
def test_a_file_without_records_says_so(ingest: Any, data: bytes) -> None:
    assert ingest(data).reasons == ["log:1: no records in it" if data else "log:1: empty file"]


def test_one_object_in_a_file(ingest: Any) -> None:
    for data in (b'{"a":1}', b'{\n  "a": [\n    {"b": 2}\n  ]\n}', b'\n\n  {"a":1}  \n'):
        (row,) = ingest(data).rows
        assert row["raw"] == data.strip()
        assert row["line"] == (3 if data.startswith(b"\n") else 1)


@pytest.mark.parametrize(
    "data", [bytes(3_000_000), b"\xff\xd8\xff\xe0" + bytes(range(256)) * 100, b"\x01\n\xff\0\x01\xff\n"]
)
def test_binaries_that_are_no_logs(ingest: Any, data: bytes) -> None:
    result = ingest(data)
    assert not result.raw
    assert result.letters
    assert {letter.reason.split(" (")[0] for letter in result.letters} == {"neither JSON nor text"}
