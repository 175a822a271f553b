import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchfloor.errors import StoreError
from watchfloor.evidence import open_chain
from watchfloor.evidence.chain import Entry
from watchfloor.evidence.journal import check_chain


def fill(path: Path, size: int = 4) -> bytes:
    with open_chain(path) as chain:
        chain.extend((Entry("default", "decision", "case-1", {"n": n, "text": "\u202e<b>"}) for n in range(size)), at=0)
    return path.read_bytes()


def test_records_survive_reopening(tmp_path: Path) -> None:
    path = tmp_path / "evidence" / "records.ndjson"
    fill(path, 2)
    with open_chain(path) as chain:
        root, head = chain.root(), chain.head
        chain.append(Entry("default", "effect", "case-2", {}), at=1)
    with open_chain(path) as chain:
        assert [record.prev for record in chain.about("default", "case-2")] == [head]
        assert chain.root() != root
    assert check_chain(path) is None
    assert path.read_bytes().count(b"\n") == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_record_is_on_disk_when_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    with open_chain(path) as chain:
        record = chain.append(Entry("default", "decision", "case-1", {}), at=0)
        assert path.read_bytes() == record.line()


def test_a_torn_last_line_is_removed_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    whole = fill(path)
    for torn in (whole[:-1], whole + b'{"seq":4,"at', whole + b"\x00" * 200_000, b"no newline at all"):
        path.write_bytes(torn)
        assert check_chain(path) is not None
        with open_chain(path) as chain:
            assert len(chain) == torn.count(b"\n")
        assert path.read_bytes() == whole[: len(path.read_bytes())]
        assert check_chain(path) is None


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_flipped_byte_is_found_at_its_record(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "records.ndjson"
    path.unlink(missing_ok=True)
    content = bytearray(fill(path))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    found = check_chain(path)
    assert found is not None
    assert found.seq == bytes(content[:at]).count(b"\n")


@pytest.mark.parametrize(
    "line",
    [b"not json\n", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"\x00\n", b"\n", b'{"seq":1e999}\n'],
    ids=["text", "empty", "deep", "bytes", "nul", "blank", "huge"],
)
def test_hostile_lines_are_named_not_followed(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "records.ndjson"
    path.write_bytes(fill(path, 2) + line)
    found = check_chain(path)
    assert found is not None
    assert found.seq == 2
    with pytest.raises(StoreError, match=r"records\.ndjson:3: record 2 is broken"), open_chain(path):
        pass


def test_a_removed_line_and_swapped_lines_are_found(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    lines = fill(path).splitlines(keepends=True)
    for altered, first in (
        ([*lines[:1], *lines[2:]], 1),
        ([lines[0], lines[2], lines[1], lines[3]], 1),
        (lines[1:], 0),
    ):
        path.write_bytes(b"".join(altered))
        found = check_chain(path)
        assert found is not None
        assert found.seq == first


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    program = (
        "import sys, pathlib\n"
        "from watchfloor.errors import StoreError\n"
        "from watchfloor.evidence import open_chain\n"
        "try:\n"
        "    with open_chain(pathlib.Path(sys.argv[1])): print('open')\n"
        "except StoreError as error: print(error)\n"
    )
    with open_chain(path):
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
    assert "another process is writing this chain" in done.stdout


def test_a_full_disk_leaves_the_chain_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    whole = fill(path)
    program = (
        "import resource, signal, sys, pathlib\n"
        "from watchfloor.errors import StoreError\n"
        "from watchfloor.evidence import open_chain\n"
        "from watchfloor.evidence.chain import Entry\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open_chain(pathlib.Path(sys.argv[1])) as chain:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))\n"
        "    try: chain.append(Entry('default', 'effect', 'case-1', {'text': 'x' * 5000}), at=0)\n"
        "    except StoreError as error: print(error, len(chain))\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, str(path), str(len(whole) + 1000)], capture_output=True, text=True, check=True
    )
    assert "could not be written" in done.stdout
    assert done.stdout.endswith(" 4\n")
    assert path.read_bytes() == whole


def test_a_link_is_not_followed_for_writing(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.touch()
    (tmp_path / "records.ndjson").symlink_to(target)
    with pytest.raises(StoreError), open_chain(tmp_path / "records.ndjson"):
        pass


def test_a_missing_file_has_no_chain(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        check_chain(tmp_path / "absent" / "records.ndjson")
    assert not list(tmp_path.iterdir())
