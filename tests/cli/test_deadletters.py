"""``deadletters``: what could not be read, counted for people, and one by one with its bytes."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.cli.conftest import Run

from watchfloor.cli import main
from watchfloor.deadletter import MAX_RAW_BYTES, dead_letter
from watchfloor.event import Origin
from watchfloor.settings import DataFolder

LETTERS = (
    dead_letter("default", Origin("a.json", 3), "ingest", "not JSON", b"\xff\0{\x1b[31m"),
    dead_letter("default", Origin("b\u202e[red].json", 1, 2), "normalize", "no [bold]time[/bold]", b'{"a": 1}'),
    dead_letter("default", Origin("c.json", 9), "ingest", "not JSON", b"x" * (MAX_RAW_BYTES + 5)),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.dead_letters.write_bytes(b"".join(msgspec.json.encode(letter) + b"\n" for letter in LETTERS))
    return folder.path


def test_list_counts_by_reason_with_the_first_place(run: Run, data: Path) -> None:
    ran = run("deadletters", "list", "--data", data)
    assert (ran.status, ran.err) == (0, "")
    (common,) = [line for line in ran.out.splitlines() if "not JSON" in line]
    assert common.split() == ["1", "ingest", "not", "JSON", "2", "a.json:3"]
    assert "no [bold]time[/bold]" in ran.out
    assert "b⟦U+202E⟧[red].json:1" in ran.out


def test_show_gives_the_bytes_to_machines_and_the_reason_to_people(run: Run, data: Path) -> None:
    ran = run("deadletters", "show", 2, "--data", data)
    assert (ran.status, ran.out) == (0, '{"a": 1}\n')
    assert ran.err == "b⟦U+202E⟧[red].json:1: no [bold]time[/bold] (normalize)\n"


def test_bytes_that_are_no_text_stay_as_they_are(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "argv", ["watchfloor", "deadletters", "show", "1", "--data", str(data)])
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    assert ended.value.code == 0
    assert capfdbinary.readouterr().out == LETTERS[0].raw + b"\n"


def test_a_terminal_is_shown_visible_characters(data: Path) -> None:
    ours, theirs = pty.openpty()
    script = "import sys; from watchfloor.cli import main; sys.argv[0] = 'watchfloor'; main()"
    command = [sys.executable, "-c", script, "deadletters", "show", "1", "--data", str(data)]
    subprocess.run(command, stdout=theirs, stderr=subprocess.DEVNULL, check=True)  # noqa: S603 - fixed command
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert "\\xff⟦U+0000⟧{⟦U+001B⟧[31m" in shown
    assert "\x1b[31m" not in shown
    assert "\0" not in shown


def test_a_letter_that_was_cut_says_so(run: Run, data: Path) -> None:
    ran = run("deadletters", "show", 3, "--data", data)
    assert ran.out == "x" * MAX_RAW_BYTES + "\n"
    assert f"the first {MAX_RAW_BYTES} of {MAX_RAW_BYTES + 5} bytes" in ran.err


def test_a_letter_that_is_not_there_is_status_2_and_one_line(run: Run, data: Path) -> None:
    ran = run("deadletters", "show", 4, "--data", data)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"watchfloor: {data}: there are 3 dead letters\n"


def test_no_letters_are_no_error(run: Run, data: Path) -> None:
    DataFolder(data).dead_letters.unlink()
    ran = run("deadletters", "list", "--data", data)
    assert (ran.status, ran.out, ran.err) == (0, "No dead letters.\n", "")
    assert run("deadletters", "show", 1, "--data", data).status == 2


@pytest.mark.parametrize("line", [b"{", b'{"tenant": 1}', b"\xff", b"", b"[" * 9999])
def test_a_broken_line_is_status_2_and_named(run: Run, data: Path, line: bytes) -> None:
    path = DataFolder(data).dead_letters
    path.write_bytes(path.read_bytes() + line + b"\n")
    ran = run("deadletters", "list", "--data", data)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert f"{path}:4: " in ran.err
    assert run("deadletters", "show", 2, "--data", data).status == 0
