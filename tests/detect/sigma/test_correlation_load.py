"""Which correlations load, what they refer to, and what is named when they do not."""

from typing import Any

import pytest

from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.correlation import Branch, Criterion
from watchfloor.detect.sigma.load import load_rules

BASE = """title: Rule {name}
name: {name}
id: 5f0b5c1e-0000-4000-8000-0000000000{number}
logsource: {{product: windows}}
detection:
    s: {{A: x}}
    condition: s
"""
A = BASE.format(name="rule_a", number="aa")
B = BASE.format(name="rule_b", number="bb")
OCSF = B.replace("product: windows", "product: ocsf").replace("A: x", "actor.user.name: x")

COUNT = """title: Many
name: many
correlation:
    type: event_count
    rules: rule_a
    group-by: User
    timespan: 10m
    condition:
        gte: 10
"""
ORDER = """title: In order
name: order
correlation:
    type: temporal_ordered
    rules: [rule_a, rule_b]
    group-by: [User]
    timespan: 1h
"""
WORDS = ORDER.replace("timespan: 1h", "timespan: 1h\n    condition: rule_a and not rule_b")


def joined(*documents: str) -> str:
    return "---\n".join(documents)


def reasons(ruleset: RuleSet) -> list[str]:
    return [error.reason for error in ruleset.errors]


def named(ruleset: RuleSet) -> list[str]:
    return [one.correlation.name for one in ruleset.correlations]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (
            COUNT.replace("event_count", "event_sum"),
            4,
            "'event_sum' is not a type of correlation; known are event_count",
        ),
        (COUNT.replace("    type: event_count\n", ""), 3, "None is not a type of correlation"),
        (COUNT.replace("event_count", "[event_count]"), 4, "is not a type of correlation"),
        (COUNT.replace("rules: rule_a", "rules: [rule_a, nosuch]"), 5, "refers to 'nosuch', which is not loaded"),
        (COUNT.replace("rules: rule_a", "rules: many"), 5, "refers to itself: Many -> Many"),
        (COUNT.replace("rules: rule_a", "rules: []"), 5, "names no rules"),
        (COUNT.replace("rules: rule_a", "rules: [rule_a, 7]"), 5, "must be a list of texts"),
        (COUNT.replace("rules: rule_a", "rules: [rule_a, rule_a]"), 5, "names something twice"),
        (
            COUNT.replace("rules: rule_a", "rules: [rule_a, 5f0b5c1e-0000-4000-8000-0000000000aa]"),
            5,
            "refers to one rule by two names",
        ),
        (COUNT.replace("rules: rule_a", f"rules: [{', '.join(f'r{one}' for one in range(1001))}]"), 5, "at most 1000"),
        (ORDER.replace("rule_a, ", "".join(f"r{one}, " for one in range(64))), 5, "at most 64"),
        (COUNT.replace("group-by", "groupby"), 6, "'groupby' is not part of a correlation"),
        (COUNT.replace("User", "{a: b}"), 6, "group-by must be a list of texts"),
        (COUNT.replace("10m", "10"), 7, "10 is not a timespan"),
        (COUNT.replace("10m", "0m"), 7, "is not a timespan"),
        (COUNT.replace("10m", "2y"), 7, "of a year at most"),
        (COUNT.replace("10m", "99999999999d"), 7, "is not a timespan"),
        (COUNT.replace("    timespan: 10m\n", ""), 3, "None is not a timespan"),
        (COUNT.replace("gte: 10", "gte: many"), 8, "'many' is not a number"),
        (COUNT.replace("gte: 10", "gte: true"), 8, "True is not a number"),
        (COUNT.replace("gte: 10", "gte: .inf"), 8, "inf is not a number"),
        (COUNT.replace("gte: 10", "gte: 70000"), 8, "nothing is counted beyond 65536"),
        (COUNT.replace("gte: 10", "more: 10"), 8, "'more' is not a comparison"),
        (COUNT.replace("gte: 10", "lt: 1"), 8, "can never be true: what is counted is 1 at least"),
        (COUNT.replace("gte: 10", "gt: 5\n        lt: 6"), 8, "can never be true"),
        (COUNT.replace("gte: 10", "eq: 1.5"), 8, "can never be true"),
        (COUNT.replace("gte: 10", "field: A\n        gte: 10"), 8, "event_count looks at no field"),
        (COUNT.replace("gte: 10", "percentile: 9\n        gte: 10"), 8, "event_count has no percentile"),
        (COUNT.replace("condition:\n        gte: 10", "condition: rule_a"), 8, "belongs to temporal"),
        (COUNT.replace("    condition:\n        gte: 10\n", ""), 3, "needs a condition"),
        (COUNT.replace("        gte: 10", "        {}"), 8, "compares with nothing"),
        (COUNT.replace("event_count", "value_count"), 8, "value_count needs a field"),
        (COUNT.replace("event_count", "value_sum").replace("gte", "field: [A, B]\n        gte"), 8, "needs a field"),
        (COUNT.replace("event_count", "value_percentile").replace("gte", "field: A\n        gte"), 8, "a percentile"),
        (ORDER + "    condition: {gte: 3}\n", 8, "and 2 rules at most can occur"),
        (ORDER + "    aliases: {User: A}\n", 8, "must map rules to fields"),
        (ORDER + "    aliases: {User: {nosuch: A}}\n", 8, "refers to 'nosuch', which is not loaded"),
        (ORDER + "    aliases: {User: {order: A}}\n", 8, "'order', which is not among the rules"),
        (ORDER + "    generate: maybe\n", 8, "generate must be true or false"),
        (ORDER + "generate: maybe\n", 8, "generate must be true or false"),
        (WORDS.replace("and not rule_b", "and"), 8, "ends where a search identifier is expected"),
        (WORDS.replace("and not rule_b", "and rule_c"), 8, "'rule_c'"),
        (WORDS.replace("and not rule_b", "or not rule_b"), 8, "can be true of nothing"),
        (WORDS.replace("and not rule_b", "and not rule_a"), 8, "can never be true"),
        (WORDS.replace("and not rule_b", ""), 8, "leaves out rule_b"),
        ("title: C\ncorrelation: many\n", 2, "must be a mapping"),
        (COUNT.replace("title: Many\n", "title: Many\nid: x\n"), 2, "must be an UUID"),
        (COUNT + "level: severe\n", 10, "not a valid Sigma rule level"),
        (COUNT + "decisive: 1\n", 10, "decisive must be true or false"),
    ],
)
def test_what_has_no_meaning_is_named_with_its_line(bench: Any, text: str, line: int, reason: str) -> None:
    folder = bench.folder({"bad.yml": text, "rules.yml": joined(A, B)})

    ruleset = load_rules([folder])
    assert [one.name for one in ruleset.rules] == ["rule_a", "rule_b"]
    (error,) = ruleset.errors
    assert reason in error.reason
    assert (error.path, error.line) == (str(folder / "bad.yml"), line)
    assert not ruleset.correlations


def test_references_are_by_name_or_by_id_in_any_file_and_in_any_order(bench: Any) -> None:
    by_id = COUNT.replace("rules: rule_a", "rules: 5F0B5C1E-0000-4000-8000-0000000000BB")
    ruleset = bench.load(ORDER.replace("[rule_a, rule_b]", "[many, rule_a]"), by_id, A, B)
    assert not ruleset.errors
    assert named(ruleset) == ["many", "order"]
    assert [feed.title for one in ruleset.correlations for feed in one.feeds] == ["Rule rule_b", "Many", "Rule rule_a"]


def test_a_name_of_several_rules_means_that_of_the_same_file(bench: Any) -> None:
    other = A.replace("00aa", "00ac").replace("Rule rule_a", "Other")
    ruleset = bench.load(A, joined(other, COUNT))
    assert [feed.title for one in ruleset.correlations for feed in one.feeds] == ["Other"]
    (error,) = bench.load(A, other, COUNT).errors
    assert "'rule_a', which is the name of several rules in" in error.reason


def test_a_circle_and_what_stands_on_it_are_named(bench: Any) -> None:
    one = COUNT.replace("rules: rule_a", "rules: order")
    two = ORDER.replace("[rule_a, rule_b]", "[many, rule_a]")
    three = COUNT.replace("name: many", "name: top").replace("title: Many", "title: Top").replace("rule_a", "many")
    ruleset = bench.load(A, one, two, three, COUNT.replace("many", "sound").replace("Many", "Sound"))
    assert sorted(reasons(ruleset)) == [
        "refers to 'Many', which does not load",
        "refers to itself: In order -> Many -> In order",
        "refers to itself: Many -> In order -> Many",
    ]
    assert named(ruleset) == ["sound"]


def test_what_refers_to_a_broken_correlation_does_not_load_either(bench: Any) -> None:
    ruleset = bench.load(A, COUNT.replace("rule_a", "nosuch"), ORDER.replace("[rule_a, rule_b]", "[many, rule_a]"))
    assert reasons(ruleset) == ["refers to 'nosuch', which is not loaded", "refers to 'Many', which does not load"]


def test_a_field_that_a_rule_over_ocsf_cannot_have_is_named(bench: Any) -> None:
    above = ORDER.replace("[rule_a, rule_b]", "[many, rule_a]")
    ruleset = bench.load(A, OCSF, COUNT.replace("rule_a", "rule_b"), above)
    assert reasons(ruleset) == [
        "Rule rule_b: 'User' is not an OCSF attribute with a column of its own",
        "refers to 'Many', which does not load",
    ]
    ruleset = bench.load(A, OCSF, ORDER + "    aliases: {User: {rule_b: actor.user.name}}\n")
    assert not ruleset.errors
    assert [feed.places for feed in ruleset.correlations[0].feeds] == [
        {"User": "native.User"},
        {"User": "actor.user.name"},
    ]


def test_an_id_is_of_one_rule_or_correlation(bench: Any) -> None:
    text = COUNT.replace("title: Many\n", "title: Many\nid: 5f0b5c1e-0000-4000-8000-0000000000aa\n")
    (error,) = bench.load(A, text).errors
    assert (error.line, "is already that of" in error.reason) == (2, True)
    assert reasons(bench.load(A, COUNT, COUNT)) != []


@pytest.mark.parametrize(
    ("files", "silent"),
    [
        ([joined(A, COUNT)], ["rule_a"]),
        ([A, COUNT], []),
        ([joined(A, COUNT + "generate: true\n")], []),
        ([joined(A, COUNT + "    generate: true\n")], []),
        ([joined(A, COUNT), ORDER + "generate: true\n", B], []),
        ([joined(A, COUNT, ORDER.replace("rule_a, rule_b", "many, rule_b"), B)], ["many", "rule_a", "rule_b"]),
    ],
    ids=["one file", "its own file", "beside", "within", "another asks", "chain"],
)
def test_rules_of_the_same_file_only_serve_unless_it_says_generate(
    bench: Any, files: list[str], silent: list[str]
) -> None:
    ruleset = bench.load(*files)
    assert not ruleset.errors
    names = {one.rule.id: one.name for one in ruleset.rules}
    names |= {one.id: one.correlation.name for one in ruleset.correlations}
    assert sorted(names[one] for one in ruleset.silent) == silent


def test_a_range_and_fractions_are_read(bench: Any) -> None:
    ruleset = bench.load(A, COUNT.replace("gte: 10", "gt: 100\n        lte: 200.5"))
    (linked,) = ruleset.correlations
    assert linked.correlation.criteria == (Criterion("gt", 100), Criterion("lte", 200.5))
    assert not linked.correlation.grows


def test_a_condition_in_words_may_stand_without_a_list_of_rules(bench: Any) -> None:
    text = WORDS.replace("    rules: [rule_a, rule_b]\n", "").replace("and not rule_b", "AND (rule_b OR rule_b)")
    (linked,) = bench.load(A, B, text).correlations
    assert linked.correlation.branches == (Branch((0, 1)),)
    (linked,) = bench.load(A, B, WORDS.replace("rule_a and not rule_b", "1 of rule_*")).correlations
    assert linked.correlation.branches == (Branch((0,)), Branch((1,)))


def test_a_condition_of_too_many_alternatives_is_refused(bench: Any) -> None:
    names = [f"r{one}" for one in range(20)]
    words = " and ".join(f"({one} or {two})" for one, two in zip(names[::2], names[1::2], strict=True))
    text = ORDER.replace("rule_a, rule_b", ", ".join(names)).replace(
        "timespan: 1h", f"timespan: 1h\n    condition: {words}"
    )
    (error,) = bench.load(A, text).errors
    assert "more than 256 alternatives" in error.reason


def test_metadata_comes_from_the_correlation(bench: Any) -> None:
    text = COUNT + "level: critical\ntags: [attack.credential-access, attack.t1110.003]\nfalsepositives: [none]\n"
    (linked,) = bench.load(A, text + "use_case: guessing\nrunbook: Call.\n").correlations
    rule = linked.correlation.rule
    assert (rule.title, rule.level, rule.techniques) == ("Many", "critical", ("T1110.003",))
    assert (rule.use_case, rule.runbook, rule.false_positives) == ("guessing", "Call.", ("none",))
    assert rule.id == bench.load(A, text).correlations[0].id


def test_hostile_texts_do_not_stop_the_loading(bench: Any) -> None:
    nested = "(" * 5000 + "rule_a" + ")" * 5000
    texts = [
        ORDER.replace("timespan: 1h", f"timespan: 1h\n    condition: '{nested}'"),
        COUNT.replace("rule_a", '"\\u202e\\0"').replace("Many", "Odd"),
        COUNT.replace("rule_a", "x" * 10_000).replace("Many", "Long"),
        COUNT.replace("type: event_count", "? {a: b}\n    : c\n    type: event_count").replace("Many", "Keys"),
    ]
    ruleset = bench.load(A, *texts, COUNT)
    assert len(ruleset.errors) == len(texts)
    assert named(ruleset) == ["many"]
