"""Suppressions in ``investigate``: what they hide is in no case, counted, and kept for whoever asks."""

from pathlib import Path

import orjson
import pytest
import yaml
from tests.cli.conftest import Run
from tests.cli.test_rules_check import RULE
from tests.cli.test_rules_explain import EVENT

RULE_ID = "6f3b4bd0-1111-4222-8333-444455556666"
OTHER = EVENT.replace("ws-1", "ws-2")


def suppression(name: str, **scope: object) -> dict[str, object]:
    return {
        "id": name,
        "rule": RULE_ID,
        "owner": "soc@example.com",
        "reason": "It is ours.",
        "expires": "9998-12-31",
        "scope": scope,
        "test": {"hides": EVENT, "keeps": OTHER},
    }


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "detections" / "shell").mkdir(parents=True)
    (folder / "detections" / "shell" / "detection.yml").write_text(RULE)
    return folder


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.ndjson"
    path.write_text(EVENT + OTHER + EVENT.replace("10:00:00", "10:00:01"))
    return path


def lines(path: Path) -> list[dict[str, dict[str, object]]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("scope", [{"entities": ["host:ws-1"]}, {"fields": {"device.hostname": "WS-1"}}])
def test_the_suppressions_of_a_content_root_apply(
    run: Run, content: Path, history: Path, tmp_path: Path, scope: dict[str, object]
) -> None:
    out = tmp_path / "out"
    stale = suppression("stale", **scope) | {"expires": "2020-01-01"}
    (content / "suppressions.yml").write_text(yaml.safe_dump({"suppressions": [suppression("ours", **scope), stale]}))
    ran = run("investigate", history, "--out", out, "--content", content)
    assert ran.status == 0, ran.err
    assert "suppression stale is refused" in ran.err
    assert "2 findings (ours 2), in suppressed.ndjson" in ran.err
    hidden = lines(out / "suppressed.ndjson")
    assert {one["unmapped"]["suppression"] for one in hidden} == {"ours"}
    assert [origin["line"] for one in hidden for origin in one["unmapped"]["origins"]] == [1, 3]  # type: ignore[attr-defined]
    shown = [one for one in lines(out / "findings.ndjson") if one["unmapped"]["rule_id"] == RULE_ID]
    assert [origin["line"] for one in shown for origin in one["unmapped"]["origins"]] == [2]  # type: ignore[attr-defined]
    assert "2 more are hidden by suppressions" in (out / "report.html").read_text(encoding="utf-8")


def test_the_next_run_begins_with_nothing_hidden(run: Run, content: Path, history: Path, tmp_path: Path) -> None:
    out, named = tmp_path / "out", tmp_path / "s.yml"
    named.write_text(yaml.safe_dump({"suppressions": [suppression("ours", entities=["host:ws-1"])]}))
    assert run("investigate", history, "--out", out, "--content", content, "--suppressions", named).status == 0
    assert len(lines(out / "suppressed.ndjson")) == 2
    ran = run("investigate", history, "--out", out, "--content", content)
    assert not (out / "suppressed.ndjson").exists()
    assert "hidden" not in ran.err.lower()
    assert run("investigate", history, "--out", out, "--suppressions", tmp_path / "gone.yml").status == 2
