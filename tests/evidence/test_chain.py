import hashlib
import math
import sys

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import GateError
from watchfloor.evidence import Chain
from watchfloor.evidence.chain import Break, Entry, Record, first_break
from watchfloor.evidence.verify import canonical, included

TEXT = st.text(st.characters(codec="utf-8"))


def json_values(largest: float) -> st.SearchStrategy[object]:
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(-largest, largest, allow_nan=False)
        | TEXT
    )
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
    )


def entry(number: int = 0, subject: str = "case-1") -> Entry:
    return Entry("default", "decision", subject, {"verdict": "deny", "number": number})


def chain_of(size: int) -> tuple[Chain, list[Record]]:
    chain = Chain()
    return chain, [chain.append(entry(number, f"case-{number % 2}"), at=number) for number in range(size)]


def test_a_record_is_hashed_over_its_canonical_content_and_its_predecessor() -> None:
    _, (first, second) = chain_of(2)
    content = (
        '{"at":1,"body":{"number":1,"verdict":"deny"},"kind":"decision",'
        f'"prev":"{first.hash}","seq":1,"subject":"case-1","tenant":"default"}}'
    )
    assert second.hash == hashlib.sha256(content.encode()).hexdigest()
    assert (first.seq, first.prev, second.prev) == (0, "0" * 64, first.hash)


def test_a_subject_has_its_records_within_its_tenant() -> None:
    chain, records = chain_of(5)
    assert chain.about("default", "case-0") == tuple(records[::2])
    assert chain.about("other", "case-0") == ()


def test_each_record_is_proved_in_the_root() -> None:
    chain, records = chain_of(9)
    for record in records:
        assert included(record.seq, record.hash, len(chain), chain.root(), chain.proof(record.seq))


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_whole_chain_has_no_break_and_reads_back(size: int) -> None:
    chain, records = chain_of(size)
    again = Chain(records)
    assert first_break(records) is None
    assert (again.head, again.root(), len(again)) == (chain.head, chain.root(), size)


@settings(deadline=None)
@given(st.data())
def test_any_change_is_found_at_its_record(data: st.DataObject) -> None:
    _, records = chain_of(6)
    at = data.draw(st.integers(0, 5))
    changes: dict[str, object] = {
        "at": -1,
        "seq": 17,
        "tenant": "other",
        "kind": "effect",
        "subject": "case-9",
        "body": {"verdict": "permit"},
        "prev": "1" * 64,
        "hash": "1" * 64,
    }
    name = data.draw(st.sampled_from(sorted(changes)))
    records[at] = msgspec.structs.replace(records[at], **{name: changes[name]})
    found = first_break(records)
    assert found is not None
    assert found.seq == at


def test_removed_and_swapped_records_are_found() -> None:
    _, records = chain_of(6)
    assert first_break(records[:2] + records[3:]) == Break(2, "it says that it is record 3")
    records[3], records[4] = records[4], records[3]
    assert first_break(records) == Break(3, "it says that it is record 4")


def test_a_rewritten_record_breaks_the_next_one() -> None:
    _, records = chain_of(4)
    forged = Chain(records[:1]).append(entry(99, "case-1"), at=1)
    assert first_break([records[0], forged, *records[2:]]) == Break(2, "it does not continue its predecessor")


def test_a_broken_chain_is_not_continued() -> None:
    _, records = chain_of(3)
    with pytest.raises(GateError, match="record 1 is broken"):
        Chain([records[0], records[2]])


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, 2.0**53, "\ud800", b"bytes", {1: 2}, {"\udfff": 1}])
def test_what_is_not_canonical_json_is_refused_whole(value: object) -> None:
    chain = Chain()
    with pytest.raises(GateError, match="case-1"):
        chain.extend([entry(), Entry("default", "decision", "case-1", {"value": value})], at=0)
    assert len(chain) == 0


def test_what_cannot_be_kept_does_not_count() -> None:
    def full(_: object) -> None:
        raise OSError(28, "no space left")

    chain = Chain(keep=full)
    with pytest.raises(OSError, match="no space"):
        chain.append(entry(), at=0)
    assert (len(chain), chain.head, chain.about("default", "case-1")) == (0, "0" * 64, ())


@settings(deadline=None)
@given(st.dictionaries(TEXT, json_values(2.0**53 - 1), max_size=4))
def test_any_json_is_recorded_and_reads_back(body: dict[str, object]) -> None:
    chain = Chain()
    record = chain.append(Entry("default", "effect", "case-1", body), at=0)
    assert record.body == body
    assert msgspec.json.decode(record.line(), type=Record) == record


@settings(deadline=None)
@given(json_values(sys.float_info.max))
def test_the_auditors_script_agrees_on_canonical_json(value: object) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (333333333.33333329, "333333333.3333333"),
        (4.5, "4.5"),
        (2e-3, "0.002"),
        (5e-324, "5e-324"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (9007199254740993.0, "9007199254740992"),
    ],
)
def test_numbers_are_written_as_in_rfc_8785(number: float, text: str) -> None:
    assert canonical(number) == text
