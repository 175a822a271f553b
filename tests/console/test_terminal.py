import io
import unicodedata

import msgspec
import pytest
from rich.console import Console

from watchfloor.console.model import DeadLetterCount, LoadFailure, ReportModel
from watchfloor.console.terminal import print_summary


def printed(model: ReportModel, width: int, *, colour: bool = False) -> str:
    out = io.StringIO()
    system = "truecolor" if colour else None
    print_summary(model, Console(file=out, width=width, force_terminal=colour, color_system=system))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_nothing_is_wider_than_the_terminal(sample: ReportModel, width: int) -> None:
    wide = [line for line in printed(sample, width).splitlines() if len(line) > width]
    to_copy = ("watchfloor ", "Report ", "Data ", "Packs ", *(one.path for one in troubles(sample)))
    assert all(line.startswith(to_copy) for line in wide)


def troubles(model: ReportModel) -> list[DeadLetterCount | LoadFailure]:
    return [*model.dead_letters, *model.load_failures]


def test_paths_and_commands_are_whole_lines_to_copy(sample: ReportModel) -> None:
    run = msgspec.structs.replace(sample.run, out="/a/folder of/" + "long/" * 20, public_key="/keys/evidence.pub")
    lines = printed(msgspec.structs.replace(sample, run=run), 80).splitlines()
    out = run.out.rstrip("/")
    pack = sample.packs[next(case.uid for case in sample.ranked if case.uid in sample.packs)].file
    assert f"Report  {out}/report.html" in lines
    assert f"watchfloor evidence verify '{out}/packs/{pack}' --key /keys/evidence.pub" in lines
    assert f"watchfloor deadletters list --data '{out}'" in lines


def test_the_summary_says_what_matters(sample: ReportModel) -> None:
    text = printed(sample, 160)
    assert "1 critical and 2 high cases need a decision" in text
    assert "97%" in text
    assert "priya.raman@example.com" in text
    assert "./out/report.html" in text
    assert "watchfloor evidence verify ./out/packs/" in text
    assert "5 records" in text


def test_each_file_with_unreadable_records_and_each_that_did_not_load_has_a_line(sample: ReportModel) -> None:
    lines = printed(sample, 80).splitlines()
    assert "logs/okta/system-2025-03-12.ndjson:8812: not JSON: unexpected end of data (3)" in lines
    assert "rules/local/broken.yml:14: mapping values are not allowed here" in lines
    many = msgspec.structs.replace(sample, load_failures=sample.load_failures * 10)
    assert "and 27 more in the report" in printed(many, 80)


def test_ten_cases_are_shown_and_the_rest_counted(crowd: ReportModel) -> None:
    assert "and 290 more cases in the report" in printed(crowd, 160)


def test_no_log_can_speak_to_the_terminal(hostile: ReportModel) -> None:
    text = printed(hostile, 120)
    assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} and char != "\n"]
    assert "[bold red]markup[/]" in text.replace("\n", "")


def test_colour_is_ours_only(hostile: ReportModel) -> None:
    """The escape sequences are those that select graphic rendition; none moves the cursor or names a window."""
    sequences = [part.partition("m")[0] for part in printed(hostile, 120, colour=True).split("\x1b")[1:]]
    assert sequences
    assert all(one.startswith("[") and not set(one[1:]) - set("0123456789;") for one in sequences)


def test_nothing_found_is_said(sample: ReportModel) -> None:
    run = type(sample.run)(paths=("a.log",), events=3, sources=(), findings=0, rules=9, written_at=0, seconds=0.1)
    text = printed(ReportModel(run=run), 100)
    assert "Nothing in 3 events matched a rule; that is no proof that nothing happened." in text
