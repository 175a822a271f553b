"""``rules``, ``playbook``, ``policy`` and ``new``: content is checked, explained and begun from the command line."""

from pathlib import Path

import pytest
from tests.cli.conftest import Run

REQUEST = """\
action: okta_suspend_user
resource: {type: user, id: "user:alice@example.com"}
"""


def one_line(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.strip()]
    return line


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_path_without_detections_is_status_2_and_one_line(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("rules", "test", tmp_path / name)
    assert (ran.status, ran.out) == (2, "")
    assert str(tmp_path / name) in one_line(ran.err)


def test_a_new_detection_passes_its_own_tests_until_it_is_broken(run: Run, tmp_path: Path) -> None:
    made = run("new", "detection", "admin_at_night", "--into", tmp_path)
    folder = tmp_path / "detections" / "admin_at_night"
    assert (made.status, made.out) == (0, "")
    assert str(folder) in one_line(made.err)
    ran = run("rules", "test", folder.parent)
    assert (ran.status, ran.out, ran.err) == (0, "", "1 of 1 detections pass\n")
    (folder / "cases" / "granted.hit.ndjson").write_text((folder / "cases" / "refused.miss.ndjson").read_text())
    ran = run("rules", "test", folder)
    assert (ran.status, ran.out) == (1, "")
    assert "failed: admin_at_night: " in ran.err
    assert "0 of 1 detections pass" in ran.err


@pytest.mark.parametrize("name", ["Bad", "../up", "a b", "x"])
def test_a_new_name_is_a_folder_name(run: Run, tmp_path: Path, name: str) -> None:
    ran = run("new", "policy", name, "--into", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert repr(name) in one_line(ran.err)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    assert run("new", "playbook", "ask_first", "--into", tmp_path).status == 0
    ran = run("new", "playbook", "ask_first", "--into", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "ask_first" in one_line(ran.err)


def test_an_unknown_kind_is_status_2(run: Run, tmp_path: Path) -> None:
    ran = run("new", "rule", "ask_first", "--into", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "'rule'" in ran.err


def test_the_built_in_playbooks_load(run: Run) -> None:
    ran = run("playbook", "check")
    assert (ran.status, ran.out) == (0, "")
    assert "ok  contain_account" in ran.err
    assert "playbooks and" in ran.err.splitlines()[-1]


def test_a_playbook_that_does_not_load_is_named_and_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "playbooks" / "mine").mkdir(parents=True)
    (tmp_path / "playbooks" / "mine" / "playbook.yml").write_text("name: [\n")
    ran = run("playbook", "check", "--content", tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert f"not loaded: {tmp_path / 'playbooks' / 'mine' / 'playbook.yml'}:" in ran.err
    assert "ok  contain_account" in ran.err


@pytest.mark.parametrize("command", [("playbook", "check"), ("policy", "check"), ("policy", "explain", "x.yml")])
def test_content_that_is_not_there_is_status_2_and_one_line(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    ran = run(*command, "--content", tmp_path / "nowhere")
    assert (ran.status, ran.out) == (2, "")
    assert "nowhere: no content here" in one_line(ran.err)


def test_the_built_in_policies_pass(run: Run) -> None:
    ran = run("policy", "check")
    assert (ran.status, ran.out) == (0, "")
    assert "policies, " in one_line(ran.err)


def test_a_new_policy_passes_until_it_is_broken(run: Run, tmp_path: Path) -> None:
    assert run("new", "policy", "night_watch", "--into", tmp_path).status == 0
    assert run("policy", "check", "--content", tmp_path).status == 0
    (cedar,) = (tmp_path / "policies" / "night_watch").glob("*.cedar")
    cedar.write_text(cedar.read_text() + "\npermit (")
    ran = run("policy", "check", "--content", tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert f"not loaded: {cedar}" in ran.err
    assert ran.err.splitlines()[-1] == "watchfloor: the policies do not pass"


def test_a_decision_is_explained(run: Run, tmp_path: Path) -> None:
    (tmp_path / "request.yml").write_text(REQUEST)
    ran = run("policy", "explain", tmp_path / "request.yml")
    assert (ran.status, ran.err) == (0, "")
    assert "needs-approval" in ran.out or "needs approval" in ran.out
    assert "okta_suspend_user" in ran.out


def test_a_request_cannot_speak_to_the_terminal_or_forge_a_line(run: Run, tmp_path: Path) -> None:
    evil = "user:\\u202Eevil\\n  because       all-is-fine\\x1b[2J" + "x" * 10_000
    (tmp_path / "request.yml").write_text(f'action: okta_suspend_user\nresource: {{type: user, id: "{evil}"}}\n')
    ran = run("policy", "explain", tmp_path / "request.yml")
    assert (ran.status, ran.err) == (0, "")
    assert not any(char in ran.out for char in "\u202e\x1b")
    assert max(map(len, ran.out.splitlines())) < 1_000
    assert not ran.out.splitlines()[1].startswith("  because       all-is-fine")


@pytest.mark.parametrize(
    "text", ["", "- 1", "action: x\nresource: [\n", "action: 7\n", REQUEST + "surprise: 1\n", "a: &a [*a]\n"]
)
def test_a_request_that_is_none_is_status_2_and_one_line(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "request.yml").write_text(text)
    ran = run("policy", "explain", tmp_path / "request.yml")
    assert (ran.status, ran.out) == (2, "")
    assert str(tmp_path / "request.yml") in one_line(ran.err)
