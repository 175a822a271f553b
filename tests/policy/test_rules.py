from pathlib import Path

import pytest

from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library

FINE = '@id("fine") @reason("It is fine.") permit (principal, action in Action::"notify", resource);\n'

NEVER = """@id("bad-one") @reason("Never.") @alternative("Ask.") @needs("1 analyst")
forbid (principal, action, resource);"""
SERVERS = """@id("bad-one") @reason("It is fine.")
permit (principal, action, resource) when { resource.criticality == Criticality::"critical" };"""

BROKEN = {
    "not Cedar": ("\n\npermit (principal action);", 4, "not Cedar"),
    "no id": ('@reason("It is fine.")\npermit (principal, action, resource);', None, "@id"),
    "no reason": ('@id("bad-one")\npermit (principal, action, resource);', 2, "@reason is missing"),
    "no alternative": ('@id("bad-one") @reason("Never.")\nforbid (principal, action, resource);', 2, "@alternative"),
    "odd needs": (NEVER.replace("1 analyst", "an analyst"), 2, "@needs must read"),
    "unknown role": (NEVER.replace("1 analyst", "1 king"), 2, "@needs must read"),
    "unknown operation": (
        '@id("bad-one") @reason("Never.") @alternative("Ask.") @instead("pray")\nforbid (principal, action, resource);',
        2,
        "@instead",
    ),
    "unknown annotation": ('@id("bad-one") @resaon("x")\npermit (principal, action, resource);', 2, "@resaon"),
    "unknown attribute": (
        '@id("bad-one") @reason("Risky.")\npermit (principal, action, resource) when { context.severity > 3 };',
        2,
        "severity",
    ),
    "unknown action": (
        '@id("bad-one") @reason("Fine.")\npermit (principal, action == Action::"okta_suspnd", resource);',
        2,
        "okta_suspnd",
    ),
    "unknown criticality": (SERVERS.replace("critical", "crtical"), 2, "crtical"),
    "a template": (
        '@id("bad-one") @reason("Fine.")\npermit (principal == ?principal, action, resource);',
        None,
        "templates",
    ),
    "an id twice": ('@id("fine") @reason("Again.")\npermit (principal, action, resource);', 1, "is taken by"),
}


@pytest.mark.parametrize(("text", "line", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_named_with_its_line(
    policies: Path, library: Library, text: str, line: int | None, reason: str
) -> None:
    path = policies / "policies" / "mine" / "mine.cedar"
    path.write_text(FINE + text)
    _, errors = PolicyEngine.load((policies,), library.actions.values())
    assert [(error.path, error.line) for error in errors] == [(str(path), line)]
    assert reason in errors[0].reason


def test_bytes_that_are_no_text(policies: Path, library: Library) -> None:
    (policies / "policies" / "mine" / "mine.cedar").write_bytes(b"permit\xff\0")
    _, errors = PolicyEngine.load((policies,), library.actions.values())
    assert errors[0].reason == "not UTF-8"


def test_a_later_root_replaces_a_folder(policies: Path, tmp_path: Path, library: Library) -> None:
    other = tmp_path / "other"
    (other / "policies" / "mine").mkdir(parents=True)
    (policies / "policies" / "mine" / "mine.cedar").write_text(FINE)
    (other / "policies" / "mine" / "mine.cedar").write_text(FINE.replace("fine", "finer"))
    engine, errors = PolicyEngine.load((policies, other), library.actions.values())
    assert not errors
    assert list(engine.policies) == ["finer"]
