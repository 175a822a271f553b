from collections.abc import Mapping
from pathlib import Path

import pytest

from watchfloor.errors import ContentError
from watchfloor.respond.action import Action
from watchfloor.respond.library import Library, read_playbook
from watchfloor.respond.workflow import walk

HEAD = """type: playbook
spec_version: cacao-2.0
id: mine
name: A small playbook
description: A playbook for tests, as small as can be.
playbook_types: [mitigation]
playbook_activities: [restrict-access]
applies: {entity: user}
pre_checks: ["The account exists."]
time_to_live: 1h
blast_radius: {max_targets: 1}
workflow_start: start
rollback: [suspend]
workflow:
  start: {type: start, on_completion: keep}
  keep: {type: action, name: Keep the events, commands: [{command: capture_events}], on_completion: suspend}
  suspend: {type: action, name: Suspend the account, commands: [{command: okta_suspend_user}], on_completion: end}
  end: {type: end}
"""

BROKEN = {
    "unknown action": ("okta_suspend_user", "okta_suspend", 17, "no action 'okta_suspend' loads"),
    "wrong target": ("okta_suspend_user", "host_isolate", 17, "does not apply to a user"),
    "cycle": ("okta_suspend_user}], on_completion: end", "okta_suspend_user}], on_completion: keep", 16, "in a circle"),
    "itself": ("okta_suspend_user}], on_completion: end", "okta_suspend_user}], on_completion: suspend", 17, "circle"),
    "unreachable": ("  end:", "  lost: {type: end}\n  end:", 18, "step 'lost' cannot be reached"),
    "dangling": ("on_completion: suspend}", "on_completion: suspnd}", 16, "leads to 'suspnd', which does not exist"),
    "no end": ("  end: {type: end}", "  end: {type: start, on_completion: keep}", 14, "no end step"),
    "no start": ("workflow_start: start", "workflow_start: keep", 12, "is no start step"),
    "second start": ("  end:", "  again: {type: start, on_completion: end}\n  end:", 18, "second start"),
    "leads nowhere": (", on_completion: suspend}", "}", 16, "needs either on_completion or on_success"),
    "leads twice": ("on_completion: suspend}", "on_completion: suspend, on_success: end}", 16, "needs either"),
    "failure with completion": ("on_completion: suspend}", "on_completion: suspend, on_failure: end}", 16, "never"),
    "evidence last": ("on_completion: keep}", "on_completion: suspend}", 16, "cannot be reached"),
    "no evidence": ("capture_events", "open_ticket", 17, "before its evidence is kept"),
    "rollback forgotten": ("rollback: [suspend]", "rollback: []", 13, "rollback must name each step"),
    "rollback of nothing": ("rollback: [suspend]", "rollback: [suspend, keep]", 13, "rollback must name each step"),
    "graver fallback": (
        "commands: [{command: okta_suspend_user}]",
        "commands: [{command: okta_suspend_user}], fallback: [aws_deny_role_sessions]",
        17,
        "must not stop more",
    ),
    "ttl without undo": (
        "commands: [{command: capture_events}]",
        "commands: [{command: capture_events}], ttl: 1h",
        16,
        "ttl",
    ),
    "two commands": ("[{command: capture_events}]", "[{command: a}, {command: b}]", 16, "length"),
    "unknown step type": ("  end: {type: end}", "  end: {type: while-condition}", 18, "while-condition"),
    "unknown field": ("time_to_live: 1h", "time_to_live: 1h\ntime_to_life: 2h", 11, "time_to_life"),
    "no blast radius": ("max_targets: 1", "max_targets: 100", 11, "<= 20"),
    "other folder": ("id: mine", "id: yours", 3, "not the folder's name"),
}

BRANCHES = """
  suspend: {type: action, name: Suspend the account, commands: [{command: okta_suspend_user}], on_completion: fork}
  fork: {type: if-condition, condition: {sources: [okta]}, on_true: clear, on_completion: both}
  clear: {type: action, name: Clear the sessions, commands: [{command: okta_clear_sessions}], on_completion: clear_end}
  clear_end: {type: end}
  both: {type: parallel, next_steps: [ticket, verify], on_completion: end}
  ticket: {type: action, name: Open a ticket, commands: [{command: open_ticket}], on_completion: ticket_end}
  ticket_end: {type: end}
  verify: {type: action, name: Ask the person, commands: [{command: out_of_band_verification}], on_completion: v_end}
  v_end: {type: end}
"""


def write(root: Path, text: str) -> Path:
    path = root / "mine" / "playbook.yml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def with_branches() -> str:
    head, _, _ = HEAD.partition("  suspend:")
    return head + BRANCHES.strip("\n") + "\n  end: {type: end}\n"


@pytest.fixture
def actions(library: Library) -> Mapping[str, Action]:
    return library.actions


def test_a_small_playbook_loads(tmp_path: Path, actions: Mapping[str, Action]) -> None:
    playbook = read_playbook(write(tmp_path, HEAD), actions)
    assert [name for name, _, _ in walk(playbook, lambda _: True)] == ["keep", "suspend"]


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, actions: Mapping[str, Action], name: str) -> None:
    old, new, line, reason = BROKEN[name]
    assert old in HEAD
    path = write(tmp_path, HEAD.replace(old, new, 1))
    with pytest.raises(ContentError) as caught:
        read_playbook(path, actions)
    assert reason in caught.value.reason
    assert (caught.value.path, caught.value.line) == (str(path), line)


@pytest.mark.parametrize(
    ("take", "order"),
    [(True, ["keep", "suspend", "clear", "ticket", "verify"]), (False, ["keep", "suspend", "ticket", "verify"])],
)
def test_branches_return_to_the_step_they_left(
    tmp_path: Path, actions: Mapping[str, Action], *, take: bool, order: list[str]
) -> None:
    playbook = read_playbook(write(tmp_path, with_branches()), actions)
    assert [name for name, _, _ in walk(playbook, lambda _: take)] == order


@pytest.mark.parametrize(
    ("old", "new"), [("on_completion: clear_end", "on_completion: both"), ("v_end}", "ticket_end}")]
)
def test_branches_share_no_step(tmp_path: Path, actions: Mapping[str, Action], old: str, new: str) -> None:
    text = (
        with_branches()
        .replace(old, new, 1)
        .replace("  clear_end: {type: end}\n" if "both" in new else "  v_end: {type: end}\n", "")
    )
    with pytest.raises(ContentError, match="is in two branches of"):
        read_playbook(write(tmp_path, text), actions)


def test_evidence_in_a_branch_is_not_evidence_first(tmp_path: Path, actions: Mapping[str, Action]) -> None:
    keep = "keep: {type: action"
    fork = "keep: {type: if-condition, condition: {sources: [okta]}, on_true: kept, on_completion: suspend}"
    text = HEAD.replace(keep, f"{fork}\n  kept: {{type: action")
    text = text.replace(
        "on_completion: suspend}\n  suspend", "on_completion: kept_end}\n  kept_end: {type: end}\n  suspend"
    )
    with pytest.raises(ContentError, match="before its evidence is kept"):
        read_playbook(write(tmp_path, text), actions)


def test_rollback_goes_backwards(tmp_path: Path, actions: Mapping[str, Action]) -> None:
    last = "[{command: okta_suspend_user}], on_completion: end}"
    disable = "disable: {type: action, name: Disable the account, commands: [{command: entra_disable_user}]"
    text = HEAD.replace(last, f"{last.replace('end}', 'disable}')}\n  {disable}, on_completion: end}}")
    with pytest.raises(ContentError, match="undo the last step first: disable, suspend"):
        read_playbook(write(tmp_path, text.replace("rollback: [suspend]", "rollback: [suspend, disable]")), actions)


def test_ttl_is_the_steps_then_the_actions(tmp_path: Path, actions: Mapping[str, Action]) -> None:
    text = HEAD.replace(
        "commands: [{command: okta_suspend_user}]", "commands: [{command: okta_suspend_user}], ttl: 30m"
    )
    playbook = read_playbook(write(tmp_path, text), actions)
    steps = {name: step for name, step, _ in walk(playbook, lambda _: True)}
    assert playbook.ttl(steps["suspend"], actions["okta_suspend_user"]) == "30m"
    assert playbook.ttl(steps["keep"], actions["capture_events"]) is None
