"""The kernel and the oracle agree on any rule and any event."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigma.collection import SigmaCollection
from sigma.policy.profiles import TrustedPolicy
from sigma.rule import SigmaRule

from watchfloor.detect.sigma import SigmaDetector
from watchfloor.testing.sigma_oracle import matches

Fields = Mapping[str, str | list[str] | None]

NAMES = ("F", "G", "H")
PIECES = st.sampled_from(
    [
        "a",
        "A",
        "b",
        "ab",
        "ß",
        "ẞ",
        "İ",
        "\u0131",
        "\u03c3",
        "ς",
        "K",
        "\u212a",
        "é",
        "-",
        "/a",
        " -b",
        "%",
        "\\",
        "\n",
        "0",
        "1",
    ]
)
WILD = st.one_of(PIECES, st.sampled_from(["*", "?", "\\*", "\\?", "\\\\", "**", "?*"]))


def joined(pieces: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    return st.lists(pieces, max_size=most).map("".join)


TEXTS = joined(PIECES, 5)
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, 1.0, 10**20]))
TIMES = st.sampled_from(["2025-02-03T10:01:00Z", "2025-12-31 23:59:59.5", "2025-12-31T23:59:59-03:00", "1700000000"])
ADDRESSES = st.sampled_from(["192.0.2.1", "198.51.100.9", "2001:db8::1", "::ffff:192.0.2.9", "192.0.2.1:80", "::1"])
ENCODED = st.sampled_from(["YWI=", "xxYWJy", "ab", "YQBiAA==", "//5hAA==", "AGEAYg=="])
LITERAL = st.sampled_from(["a", "ab", "abc", "b-a"])
REGEXES = st.sampled_from(
    [
        "a",
        "^a",
        "a$",
        "[ab]+",
        "a.b",
        "(a|b)",
        "a|b",
        r"\\",
        "(?i:B)",
        "a|ab",
        "b(?!a)",
        r"(.)\1",
        "a*",
        "ß",
        r"\d",
        "(?:a){2}",
    ]
)
NETWORKS = st.sampled_from(["192.0.2.0/24", "192.0.2.1/32", "2001:db8::/32", "0.0.0.0/0", "::/0", "::ffff:0:0/96"])


def one_or_more(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


def modified(modifiers: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.sampled_from(modifiers), one_or_more(values))


PATTERNS = joined(WILD, 5)
STRINGS = [
    "",
    "|contains",
    "|startswith",
    "|endswith",
    "|contains|all",
    "|cased",
    "|cased|contains",
    "|startswith|cased",
]
DASHES = ["|windash", "|windash|contains", "|windash|contains|all", "|cased|windash|contains"]
BASE64 = ["|base64", "|base64|contains", "|base64offset|contains", "|wide|base64", "|utf16|base64offset|contains"]
REGEX_MODIFIERS = ["|re", "|re|i", "|re|m", "|re|s", "|re|i|s", "|re|startswith", "|re|endswith", "|re|contains"]
PARTS_OF_TIME = ["|hour", "|day", "|week|gte", "|month", "|year|lt", "|minute|gt"]
REFERENCES = ["|fieldref", "|fieldref|startswith", "|fieldref|endswith", "|fieldref|contains", "|cased|fieldref"]
PLAIN = st.one_of(PATTERNS, PATTERNS, NUMBERS, st.booleans(), st.none())
ITEMS = st.one_of(
    modified(["", "|neq"], PLAIN),
    modified(STRINGS, PATTERNS),
    modified(DASHES, PATTERNS),
    modified(BASE64, LITERAL),
    modified(REGEX_MODIFIERS, REGEXES),
    modified(["|gt", "|gte", "|lt", "|lte"], NUMBERS),
    modified(["|cidr"], NETWORKS),
    modified(PARTS_OF_TIME, st.sampled_from([1, 3, 10, 12, 31, 2024, 2025])),
    modified(REFERENCES, st.sampled_from(NAMES)),
    st.tuples(st.just("|exists"), st.booleans()),
)
FIELD_ITEMS = st.tuples(st.sampled_from(NAMES), ITEMS).map(lambda one: (one[0] + one[1][0], one[1][1]))
KEYWORD_ITEMS = st.one_of(modified(["|all", "|contains", "|cased"], PATTERNS), modified(["|re"], REGEXES))
MAPS = st.lists(st.one_of(FIELD_ITEMS, FIELD_ITEMS, FIELD_ITEMS, KEYWORD_ITEMS), min_size=1, max_size=3).map(dict)
SEARCHES = st.one_of(
    MAPS,
    MAPS,
    st.lists(MAPS, min_size=1, max_size=3),
    st.lists(st.one_of(PATTERNS, NUMBERS), min_size=1, max_size=3),
    st.lists(st.one_of(MAPS, PATTERNS), min_size=1, max_size=3),
)
SEARCH_NAMES = ("sel_a", "sel_b", "filter")
OPERANDS = st.sampled_from(
    [*SEARCH_NAMES, "1 of sel_*", "all of sel_*", "1 of them", "all of them", "2 of them", "2 of sel_*", "any of f*"]
)
CONDITIONS = st.recursive(
    OPERANDS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or", "and not"]), inner).map(" ".join),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=5,
)
DETECTIONS = st.tuples(
    st.fixed_dictionaries(dict.fromkeys(SEARCH_NAMES, SEARCHES)),
    st.one_of(CONDITIONS, st.lists(CONDITIONS, min_size=1, max_size=2)),
).map(lambda one: one[0] | {"condition": one[1]})
VALUES = st.one_of(TEXTS, TEXTS, TIMES, ADDRESSES, ENCODED, st.sampled_from(["true", "False", "", "5", "0.5", "1e1"]))
EVENTS = st.dictionaries(st.sampled_from(NAMES), st.one_of(VALUES, st.lists(VALUES, max_size=3), st.none()))


def parsed(rule: dict[str, Any]) -> SigmaRule:
    (one,) = SigmaCollection.from_dicts([rule], policy=TrustedPolicy).rules
    assert isinstance(one, SigmaRule)
    return one


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(detections=st.lists(DETECTIONS, min_size=1, max_size=3), events=st.lists(EVENTS, min_size=1, max_size=5))
def test_kernel_and_oracle_agree(bench: Any, detections: list[Any], events: list[Fields]) -> None:
    rules = [
        bench.rule(detection, id=f"5f0b5c1e-0000-4000-8000-{number:012}") for number, detection in enumerate(detections)
    ]
    ruleset = bench.load(*rules)
    loaded = {one.rule.id for one in ruleset.rules}
    found = SigmaDetector(ruleset).detect(bench.batch(events))
    expected = [
        (f"event-{row}", rule["id"])
        for row, event in enumerate(events)
        for rule in rules
        if rule["id"] in loaded and matches(parsed(rule), event, bench.leaves(event))
    ]
    assert [(one.key, one.rule.id) for one in found] == expected


@settings(max_examples=40, deadline=None)
@given(rule=DETECTIONS, narrowing=st.tuples(SEARCHES, st.sampled_from(["x", "not x", "1 of x*"])), event=EVENTS)
def test_a_filter_is_a_second_condition(bench: Any, rule: Any, narrowing: Any, event: Fields) -> None:
    search, condition = narrowing
    written = bench.rule(rule)
    logsource = {"product": "windows"}
    filter_rule: dict[str, Any] = {
        "title": "A filter",
        "logsource": logsource,
        "filter": {"rules": [written["id"]], "x": search, "condition": condition},
    }
    ruleset = bench.load(written, filter_rule)
    if ruleset.errors:
        return
    (joined_rule,) = SigmaCollection.from_dicts([written, filter_rule], policy=TrustedPolicy).rules
    assert isinstance(joined_rule, SigmaRule)
    expected = matches(joined_rule, event, bench.leaves(event))
    assert bool(SigmaDetector(ruleset).detect(bench.batch([event]))) is expected
