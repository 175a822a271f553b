"""``search``: rows of a real investigation as lines, tables and bars; what is wrong is one line."""

import pytest
from tests.cli.conftest import Run
from tests.conftest import Investigation

TIMES = ("--since", "2026-03-17", "--until", "2026-03-17T23:59:59")


@pytest.fixture
def search(run: Run, investigated: Investigation) -> Run:
    return lambda *arguments: run("search", *arguments, "--data", investigated.folder.path)


def test_events_are_whole_ocsf_objects_the_latest_first(search: Run) -> None:
    ran = search("source:okta_system_log", "--limit", 7, *TIMES)
    assert (ran.status, len(ran.lines)) == (0, 7)
    assert "the first 7 rows" in ran.err
    times = [int(str(line["time"])) for line in ran.lines]
    assert times == sorted(times, reverse=True)
    assert all(line["metadata"]["tenant_uid"] == "default" for line in ran.lines)  # type: ignore[index]


def test_pipes_give_objects_of_what_they_name(search: Run) -> None:
    ran = search("| count by source")
    assert {tuple(line) for line in ran.lines} == {("source", "count")}
    all_of_them = search("| count").lines[0]["count"]
    assert sum(int(str(line["count"])) for line in ran.lines) == all_of_them
    assert search("| count", "--sql").status == 2
    assert search("SELECT count(*) AS n FROM events", "--sql").lines == [{"n": all_of_them}]
    charted = search("| timechart span=1h").lines
    assert sum(int(str(line["count"])) for line in charted) == all_of_them


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nosuch:field",), "query, character 1: no field 'nosuch'"),
        (("user:x | nosuch",), "query, character 10: 'nosuch' is not one of"),
        (('"open',), "query, character 1: the quote is not closed"),
        (("x", "--since", "yesterday"), "'yesterday' is not a time"),
        (("SELECT * FROM '/etc/passwd'", "--sql"), "--sql: the only table is events"),
        (("SELECT 1", "--sql", "--since", "1h"), "--sql: say the time in the SQL"),
    ],
)
def test_what_is_wrong_is_one_line(search: Run, arguments: tuple[str, ...], says: str) -> None:
    ran = search(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_it_shows_how_it_prunes(run: Run, search: Run, investigated: Investigation) -> None:
    assert run("lake", "compact", "--data", investigated.folder.path).status == 0
    ran = search("src_endpoint.ip=192.0.2.254 time>=2026-03-17T12:00", "--explain")
    assert ran.status == 0
    lines = ran.out.splitlines()
    files = {line.split()[0]: int(line.split()[1]) for line in lines[2:8]}
    assert files["tenant"] >= files["time"] >= files["hash"] >= files["needles"]
    assert "row groups: 0 of" in ran.out
    assert "have no needle index" not in ran.out
    assert "'192.0.2.254'" in ran.out
    assert '"src_endpoint.ip" = $p0' in ran.out


def test_a_folder_that_is_none_is_named(run: Run, tmp_path: object) -> None:
    ran = run("search", "x", "--data", tmp_path)
    assert ran.status == 2
    assert "not a Watchfloor folder" in ran.err
