"""STIX as feeds write it, and as somebody writes it who wishes us ill."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.enrich.stix import read_bundle, read_objects
from watchfloor.enrich.stix_pattern import values_of
from watchfloor.errors import InputError

UID = "indicator--00000000-0000-4000-8000-00000000000"


def indicator(
    number: int = 1, pattern: str | None = "[domain-name:value = 'evil.example']", **more: Any
) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"{UID}{number}",
        "pattern_type": "stix",
        "pattern": pattern,
        "created": "2026-01-01T00:00:00Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


SHA256 = "aB" * 32


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("[ipv4-addr:value = '198.51.100.7/32']", [("address", "198.51.100.7")]),
        ("[ipv6-addr:value = '2001:DB8::1']", [("address", "2001:db8::1")]),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", [("network", "198.51.100.0/24")]),
        ("[url:value = 'HTTPS://Evil.Example/A']", [("url", "https://evil.example/A")]),
        (f"[file:hashes.'SHA-256' = '{SHA256}']", [("hash", SHA256.lower())]),
        (f'[file:hashes."MD5" = \'{"0" * 32}\']', [("hash", "0" * 32)]),
        ("[email-addr:value IN ('A@x.example', 'b@x.example')]", [("mail", "a@x.example"), ("mail", "b@x.example")]),
        ("[network-traffic:dst_ref.value = 'c2.evil.example']", [("domain", "c2.evil.example")]),
        (
            "([domain-name:value = 'a.example'] OR [(domain-name:value='b.example' OR url:value='http://c.example')])",
            [("domain", "a.example"), ("domain", "b.example"), ("url", "http://c.example/")],
        ),
        ("[domain-name:value = 'a.example' OR domain-name:value = 'A.example']", [("domain", "a.example")]),
    ],
)  # fmt: skip
def test_a_choice_of_values_is_its_values(pattern: str, values: list[tuple[str, str]]) -> None:
    assert list(values_of(pattern)) == values


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[domain-name:value = 'a.example' AND url:value = 'http://a.example/']", "'AND' is not understood"),
        ("[domain-name:value = 'a.example'] FOLLOWEDBY [url:value = 'http://a.example/']", "FOLLOWEDBY"),
        ("[domain-name:value = 'a.example'] WITHIN 5 SECONDS", "WITHIN"),
        ("[domain-name:value NOT = 'a.example']", "NOT"),
        ("[domain-name:value != 'a.example']", "'!='"),
        ("[domain-name:value LIKE '%.example']", "LIKE"),
        ("[domain-name:value MATCHES '.*']", "MATCHES"),
        ("[process:command_line = 'x']", "process:command_line is not matched"),
        ("[domain-name:value = 'com']", "'com' is no value of domain-name:value"),
        ("[ipv4-addr:value = '0.0.0.0/0']", "no value"),
        ("[ipv6-addr:value = '::/0']", "no value"),
        ("[file:size = 1]", "not compared with a text"),
        ("[domain-name:value = 'a.example'", "no whole pattern"),
        ("domain-name:value = 'a.example'", "no whole pattern"),
        ("[domain-name:value IN ('a.example']", "a set without its end"),
        ("(" * 5000 + "[domain-name:value = 'a.example']" + ")" * 5000, "no whole pattern"),
        ("[" * 100_000, "no whole pattern"),
        ("", "no whole pattern"),
        ("[domain-name:value = 'a.example'] " + " " * 300_000, "a pattern of more than"),
        ("[" + " OR ".join(f"domain-name:value='{n}.example'" for n in range(10_001)) + "]", "KiB|10,000"),
    ],
)
def test_a_pattern_that_asks_for_more_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        values_of(pattern)


@given(st.text(alphabet="[]()',= \\\"ORANDI.:value-domain0/", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert values_of(text)


def test_the_newest_version_counts_and_a_revocation_is_one() -> None:
    old = indicator(modified="2026-01-01T00:00:00Z")
    new = indicator(modified="2026-02-01T00:00:00Z", pattern="[domain-name:value = 'new.example']", confidence=90)
    gone = indicator(2, revoked=True, modified="2026-03-01T00:00:00Z", pattern=None)
    read = read_objects([new, old, indicator(2), gone], feed="acme", confidence=40)
    one, two = read.indicators
    assert (one.values, one.confidence) == ((("domain", "new.example"),), 90)
    assert (two.revoked, two.values) == (True, ())
    assert read_objects([indicator()], feed="acme", confidence=40).indicators[0].confidence == 40


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"id": "x"}, "without an id"),
        ({"id": "indicator--" + "a" * 1_000_000}, "without an id"),
        ({"pattern": None}, "without a pattern"),
        ({"pattern_type": "yara"}, "'yara'"),
        ({"valid_until": "soon"}, "isoformat"),
        ({"valid_until": 5}, "a time that is none"),
        ({"modified": "9" * 100}, "a time that is none"),
    ],
)
def test_what_is_no_indicator_is_counted_with_the_reason(more: dict[str, Any], reason: str) -> None:
    read = read_objects([indicator(**more), indicator(2), {"type": "malware"}, None, 5], feed="acme")
    assert [one.id for one in read.indicators] == [f"{UID}2"]
    ((told, count),) = read.refused.items()
    assert (count, reason in told, len(told) <= 120) == (1, True, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"5", "no STIX bundle"),
        (b'{"objects": {}}', "no STIX bundle"),
        (b'{"objects": ' + b"[" * 100_000, "not JSON"),
        (b"\xff", "not JSON"),
    ],
)
def test_a_file_that_is_none_is_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_bundle(data, name="x.json", feed="x")


_VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=8) | st.just([{}])
)
_KEYS = st.sampled_from(
    ["id", "pattern", "pattern_type", "valid_from", "valid_until", "modified", "confidence", "name", "revoked"]
)


@given(st.lists(st.dictionaries(_KEYS, _VALUES), max_size=4))
def test_objects_of_any_shape_are_read_or_refused(changes: list[dict[str, Any]]) -> None:
    objects = [{**indicator(n % 9), **change} for n, change in enumerate(changes)]
    read = read_objects(objects, feed="acme")
    assert len(read.indicators) + read.refused.total() <= len(objects)
    assert orjson.dumps([one.name for one in read.indicators])
