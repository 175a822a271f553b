from pathlib import Path

import pytest

from watchfloor.respond.library import load_library

REQUIRED = [
    "id", "title", "class", "operation", "targets", "connector", "permissions", "impact", "reversible", "undo",
    "idempotency_key", "check_before_act", "dry_run", "ttl", "implementation",
]  # fmt: skip


def broken(content: Path, name: str, old: str, new: str) -> list[tuple[str, int | None, str]]:
    """What is said of an action file in which ``old`` became ``new``: folder, line, reason."""
    path = content / "actions" / name / "action.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return [(Path(one.path).parent.name, one.line, one.reason) for one in load_library((content,)).errors]


@pytest.mark.parametrize("field", REQUIRED)
def test_an_action_that_lacks_a_field_does_not_load(content: Path, field: str) -> None:
    path = content / "actions" / "okta_suspend_user" / "action.yml"
    kept, skip = [], False
    for line in path.read_text().splitlines():
        skip = line.startswith(f"{field}:") or (skip and line.startswith(" "))
        if not skip:
            kept.append(line)
    path.write_text("\n".join(kept))
    library = load_library((content,))
    assert "okta_suspend_user" not in library.actions
    assert any(f"`{field}`" in error.reason for error in library.errors)


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("undo: okta_unsuspend_user", "undo: null", "reversible", "needs an undo"),
        ("ttl: 8h", "ttl: null", "ttl", "needs a ttl"),
        ("ttl: 8h", "ttl: 8 hours", "ttl", "regex"),
        ("ttl: 8h", "ttl: 0h", "ttl", "regex"),
        ("level: medium", "level: tiny", "level", "tiny"),
        ("reversible: true", "reversible: false", "undo", "has no undo"),
        ("reversible: true", "reversible: maybe", "reversible", "bool"),
        ("undo: okta_unsuspend_user", "undo: no_such_action", "undo", "no action that loads"),
        ("undo: okta_unsuspend_user", "undo: entra_enable_user", "undo", "as its own undo"),
        ("id: okta_suspend_user", "id: okta_suspend", "id", "not the folder's name"),
        ('"{tenant}/{case}', '"{case}', "idempotency_key", "idempotency_key names"),
        ("{step}", "{clock}", "idempotency_key", "idempotency_key names"),
        ("{target}", "{target.__class__}", "idempotency_key", "idempotency_key names"),
        ("{target}", "{target", "idempotency_key", "idempotency_key"),
        ("implementation: declared", "implementation: python", "implementation", "python"),
        ("implementation: declared", "implementation: declared\nextra: 1", "extra", "unknown field"),
        ('permissions: ["okta.users.manage", "okta.users.read"]', "permissions: []", "permissions", "are missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(content: Path, old: str, new: str, key: str, reason: str) -> None:
    said = broken(content, "okta_suspend_user", old, new)
    mine = [one for one in said if one[0] == "okta_suspend_user"]
    assert [one[0] for one in mine] == ["okta_suspend_user"]
    assert reason in mine[0][2]
    lines = (content / "actions" / "okta_suspend_user" / "action.yml").read_text().splitlines()
    assert lines[(mine[0][1] or 0) - 1].strip().startswith(f"{key}:")


def test_an_action_whose_undo_is_gone_is_gone_with_its_playbooks(content: Path) -> None:
    (content / "actions" / "host_release" / "action.yml").write_text("{")
    library = load_library((content,))
    assert "host_isolate" not in library.actions
    assert "isolate_host" not in [playbook.id for playbook in library.playbooks]
    said = {Path(error.path).parent.name for error in library.errors}
    assert said == {"host_release", "host_isolate", "isolate_host"}
    assert len(library.playbooks) == 2


@pytest.mark.parametrize("raw", [b"", b"\0\xff", b"- a", b"a: &a [*a, *a]", b"[" * 5_000, b"id: " + b"x" * 10_000])
def test_hostile_files_are_named_and_the_rest_loads(content: Path, raw: bytes) -> None:
    (content / "actions" / "open_ticket" / "action.yml").write_bytes(raw)
    library = load_library((content,))
    assert "open_ticket" not in library.actions
    assert "okta_suspend_user" in library.actions
    assert any("open_ticket" in error.path for error in library.errors)


def test_a_missing_file_is_named(content: Path) -> None:
    (content / "actions" / "open_ticket" / "action.yml").unlink()
    assert any("open_ticket" in str(error) for error in load_library((content,)).errors)
