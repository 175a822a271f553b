"""An explanation gives the kernel's answer, with the names of the rule's author and the values of the event."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from tests.detect.sigma.conftest import Bench, Fields, batch_of, rule_of
from tests.detect.sigma.test_oracle import DETECTIONS, EVENTS, SEARCHES

from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.rulecraft.chosen import choose_rule
from watchfloor.rulecraft.explain import Explanation, explain_rule, searches_of
from watchfloor.rulecraft.explain_page import explanation_page
from watchfloor.rulecraft.explain_text import explanation_tree

HOSTILE = "<script>alert(1)</script>\u202egpj\x00\ud7ff" + "x" * 10_000


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("explain"))


def explained(bench: Bench, detection: Any, event: Fields, **attributes: Any) -> Explanation:
    folder = bench.folder({"rule.yml": rule_of(detection, **attributes)})
    chosen = choose_rule(str(folder / "rule.yml"), [])
    assert chosen.parsed is not None
    return explain_rule(chosen.rule, batch_of([event]), searches_of(chosen.parsed, chosen.rule))


def text(explanation: Explanation) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(explanation_tree(explanation), soft_wrap=True)
    return captured.get()


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(detection=DETECTIONS, narrowing=st.one_of(st.none(), SEARCHES), event=EVENTS)
def test_it_agrees_with_the_kernel(bench: Bench, detection: Any, narrowing: Any, event: Fields) -> None:
    files: dict[str, Any] = {"rule.yml": rule_of(detection)}
    if narrowing is not None:
        files["filter.yml"] = {
            "title": "A filter",
            "logsource": {"product": "windows"},
            "filter": {"rules": "any", "x": narrowing, "condition": "not x"},
        }
    folder = bench.folder(files)
    ruleset = load_rules([folder])
    if ruleset.errors:
        return
    chosen = choose_rule(bench.rule_id, [folder])
    assert chosen.parsed is not None
    batch = batch_of([event])
    found = bool(SigmaDetector(ruleset).detect(batch))
    assert explain_rule(chosen.rule, batch, searches_of(chosen.parsed, chosen.rule)).matches is found
    assert explain_rule(chosen.rule, batch).matches is found


def test_each_test_has_its_pattern_and_the_value_it_met(bench: Bench) -> None:
    explanation = explained(
        bench,
        {
            "tool": {"Image|endswith": ["\\cmd.exe", "\\powershell.exe"]},
            "admin": {"User": "root"},
            "condition": "tool and not admin",
        },
        {"Image": "C:\\CMD.exe", "User": "alice"},
    )
    assert explanation.matches
    leaves = [(leaf.holds, leaf.field, leaf.relation, leaf.pattern, leaf.values) for leaf in explanation.tree.leaves()]
    assert leaves == [
        (True, "Image", "endswith", "\\cmd.exe", ("C:\\CMD.exe",)),
        (False, "Image", "endswith", "\\powershell.exe", ("C:\\CMD.exe",)),
        (False, "User", "is", "root", ("alice",)),
    ]
    shown = text(explanation)
    assert [line.lstrip("│├─└ ") for line in shown.splitlines()[2:]] == [
        "✓ all of",
        "✓ tool",
        "✓ one of",
        '✓ Image endswith \\cmd.exe: met by "C:\\CMD.exe"',
        '✗ Image endswith \\powershell.exe: saw "C:\\CMD.exe"',
        "✓ not",
        "✗ admin",
        '✗ User is root: saw "alice"',
    ]


def test_an_event_of_another_log_source_does_not_match(bench: Bench) -> None:
    explanation = explained(
        bench, {"s": {"Image": "a"}, "condition": "s"}, {"Image": "a"}, logsource={"product": "linux"}
    )
    assert (explanation.matches, explanation.tree.holds, explanation.of_log_source) == (False, True, False)
    assert "✗ the log source is linux/*/*; the event serves windows/process_creation/*, windows/*/*" in text(
        explanation
    )


def test_a_search_may_be_called_like_a_field(bench: Bench) -> None:
    detection = {"native.Image": {"Image": "a"}, "time": {"User": "b"}, "condition": "native.Image and time"}
    assert explained(bench, detection, {"Image": "a", "User": "b"}).matches
    assert not explained(bench, detection, {"Image": "a", "User": "c"}).matches


def test_what_a_log_says_stays_inert(bench: Bench) -> None:
    detection = {"<img src=x>": {"Image|contains": "<script>"}, "condition": "<img"}
    detection = {"s": {"Image|contains": "<script>"}, "t": [HOSTILE], "condition": "s or t"}
    explanation = explained(bench, detection, {"Image": HOSTILE}, title="<b>A rule</b>")
    page = explanation_page(explanation, "<i>events</i>.jsonl:1")
    assert explanation.matches
    for made in (page, text(explanation)):
        assert "\u202e" not in made
        assert "\x00" not in made
        assert len(made) < 120_000
    for tag in ("<script", "<b>A", "<i>events"):
        assert tag not in page
    assert "⟦U+202E⟧" in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def test_a_rule_is_found_by_id_name_or_title_but_not_by_guess(bench: Bench, tmp_path: Path) -> None:
    search = {"s": {"Image": "a"}, "condition": "s"}
    folder = bench.folder({"a.yml": rule_of(search, name="alpha", title="The first")})
    for name in (bench.rule_id, bench.rule_id.upper(), "alpha", "The first"):
        assert choose_rule(name, [folder]).rule.rule.id == bench.rule_id
    with pytest.raises(Exception, match="no rules of that id"):
        choose_rule("alph", [folder])
    with pytest.raises(Exception, match="name the rules with --rules"):
        choose_rule(str(tmp_path / "nothing.yml"), [])
