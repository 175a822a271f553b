"""Values are gathered for keywords only from records whose raw text may hold one, and no match is lost by that."""

import json
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.keywords import KeywordSearch
from watchfloor.detect.sigma.load import load_rules
from watchfloor.native import KEYWORDS, LogSource
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.sources import raw_batch

WINDOWS = (LogSource("windows"),)
OKTA = {"eventType": "user.session.start", "published": "2026-03-17T08:30:00Z", "uuid": "1", "actor": {"id": "00u1"}}


def rules(tmp_path: Any, *keywords: str, product: str = "windows") -> RuleSet:
    listed = "".join(f"\n    - {orjson.dumps(one).decode()}" for one in keywords)
    (tmp_path / "rule.yml").write_text(
        f"title: T\nid: 5e0a1f4c-5a0e-4b8e-9b0e-2f1d3c4b5a69\nlogsource: {{product: {product}}}\n"
        f"detection:\n  keywords:{listed}\n  condition: keywords\nlevel: low\n",
        encoding="utf-8",
    )
    return load_rules([tmp_path])


def held(tmp_path: Any, keyword: str, *raws: bytes) -> list[bool]:
    may_hold = KeywordSearch(rules(tmp_path, keyword).rules).seek(pa.array(raws, pa.binary()))
    return [row in may_hold(WINDOWS) for row in range(len(raws))]


@pytest.mark.parametrize(
    ("keyword", "raw"),
    [
        ("mimikatz", b'{"a":"run MimiKatz now"}'),
        (r"C:\Evil", rb'{"a":"c:\\evil\\x"}'),
        (r"C:\Evil", rb'{"a":{"b":"c:\\evil"}}'),
        (r"\\Evil", rb'{"a":{"b":"\\\\evil"}}'),
        ('"b":"evil', b'{"a": {"b" : "evil"}}'),
        ("true}", b'{"a": {"b": true }}'),
        ("evil", rb'{"a":"\u0065vil"}'),
        ("a/evil", rb'{"a":"a\/evil"}'),
        ("kill", '{"a":"\N{KELVIN SIGN}ill"}'.encode()),
        ("1000.0", b'{"a":1e3}'),
        ("straße", '{"a":"STRAẞE"}'.encode()),
        ("evil", b'\xff{"a":"evil"}'),
        ("first\nsecond", rb'{"a":"first\nsecond"}'),
    ],
)
def test_a_record_that_holds_a_keyword_is_one_that_may(tmp_path: Any, keyword: str, raw: bytes) -> None:
    assert held(tmp_path, keyword, b'{"a":"other"}', raw)[1]


def test_only_records_with_a_text_of_a_keyword_may_hold_it(tmp_path: Any) -> None:
    assert held(tmp_path, "sekurlsa::evil", b'{"a":"sekurlsa"}', b'{"a":"SEKURLSA::evil"}', b"{}") == [
        False,
        True,
        False,
    ]


def test_a_slice_of_records_is_searched_as_its_own_rows(tmp_path: Any) -> None:
    raws = pa.array([b'{"a":"evil"}', b"{}", b'{"a":"evil"}', b"{}"], pa.binary()).slice(1, 2)
    may_hold = KeywordSearch(rules(tmp_path, "evil").rules).seek(raws)

    assert may_hold(WINDOWS) == {1}


def test_records_of_other_log_sources_hold_no_keyword_of_a_rule(tmp_path: Any) -> None:
    may_hold = KeywordSearch(rules(tmp_path, "evil").rules).seek(pa.array([b'{"a":"evil"}'], pa.binary()))

    assert not may_hold((LogSource("okta"),))
    assert may_hold(WINDOWS) == {0}


def test_a_batch_full_of_keywords_is_searched_whole(tmp_path: Any) -> None:
    assert all(held(tmp_path, "evil", b'{"a":"' + b"evil" * 10_000 + b'"}', b"{}"))


PIECES = st.sampled_from(
    ["evil", "EV", "il", "\\", '"', "/", ":", ",", "{", "]", "\n", "\u212a", "k", "ß", "1", ".0", " "]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=5).map("".join)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-5, 2000), st.sampled_from([0.5, 1e3, True, None])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(keyword=TEXTS, value=VALUES, escaped=st.booleans())
def test_matches_are_the_same_as_if_all_values_were_gathered(
    keyword: str, value: Any, tmp_path_factory: pytest.TempPathFactory, *, escaped: bool
) -> None:
    detector = SigmaDetector(rules(tmp_path_factory.mktemp("rules"), keyword, product="okta"))
    record = OKTA | {"debugContext": value}
    raw = json.dumps(record, ensure_ascii=escaped, separators=(" , ", " : ") if escaped else (",", ":")).encode()
    batch = raw_batch([raw, orjson.dumps(OKTA)])
    sources, _ = load_sources()

    told = Normalizer(sources, detector.plan, seek=detector.seek_keywords).decode(batch).natives
    whole = Normalizer(sources, detector.plan).decode(batch).natives

    assert detector.match(told) == detector.match(whole)
    assert KEYWORDS in whole.schema.names
