"""What is searched for in all values at once never hides a match."""

import sys
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchfloor.detect.sigma.condition import Regex
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import Wildcard, glob
from watchfloor.detect.sigma.matching import matcher
from watchfloor.detect.sigma.needles import EDGE, MAX_NEEDLE, needles
from watchfloor.detect.sigma.regex_texts import regex_texts
from watchfloor.detect.sigma.scan import MATCHES_PER_VALUE, STRANGE, Scanner, Sought, folded, is_searchable
from watchfloor.detect.sigma.search import search

PIECES = [*"aBiI", "İ", "\u0131", "K", "\u212a", "ß", "ẞ", "\u03c3", "ς", *" \n\\0_.-"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
ASCII = st.text(st.sampled_from("abAB01 _.-\\\n\t\r\x0b\x0c\x1c\x1f\x00"), max_size=10)
GLOBS = st.builds(
    glob,
    st.lists(st.one_of(TEXTS, st.sampled_from([Wildcard.MANY, Wildcard.ONE])), max_size=5),
    cased=st.booleans(),
    anywhere=st.booleans(),
)
ATOMS = st.sampled_from(
    [
        *("a", "b", "i", "I", "K", "ß", ".", r"\d", r"\w", r"\s", r"\S", r"\W", r"\b", r"\B", "^", "$", r"\A", r"\Z"),
        *(r"\.", "[ab]", "[^a]", "[]a]", r"[\]\-a-b]", r"[^\d_]", r"\x61", r"\t", r"\\", "0", "_", " ", "-", "(?i)"),
        *("(?s)", "(?!a)", "(?=b)", "(?<=a)", "(?<!b)", r"\1", "[[:alpha:]]", r"\v", "&", "é", r"\R", r"\h", r"\N"),
    ]
)
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{0,1}", "{2,}", "*?", "+?", "++", "{1}"])


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, REPEATS).map("".join)


def grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sequence = st.lists(repeated(inner), min_size=1, max_size=4).map("".join)
    alternatives = st.lists(sequence, min_size=1, max_size=3).map("|".join)
    return st.tuples(st.sampled_from(["(", "(?:", "(?i:", "(?P<n>", "(?>"]), alternatives).map(
        lambda one: f"{''.join(one)})"
    )


PATTERNS = st.lists(repeated(st.recursive(ATOMS, grouped, max_leaves=8)), min_size=1, max_size=4).map("".join)
REGEXES = st.builds(Regex, PATTERNS, st.sampled_from(["", "", "i", "m", "s", "ims"]))


def matches(test: Regex, text: str) -> bool | None:
    try:
        return matcher(test)(text)
    except Exception:  # noqa: BLE001 - not every pattern that is made up is one
        return None


@given(test=GLOBS, text=TEXTS)
@example(test=glob([""]), text="")
@example(test=glob([Wildcard.MANY, "x" * 100]), text="y" + "x" * 100)
@example(test=glob(["ẞ" * 100, Wildcard.MANY]), text="ß" * 100)
def test_a_value_that_a_pattern_matches_holds_its_needles(test: object, text: str) -> None:
    found = needles(test)  # type: ignore[arg-type]
    assert found is None or max(map(len, found)) <= MAX_NEEDLE
    if found is not None and matcher(test)(text):  # type: ignore[arg-type]
        assert any(one in EDGE + fold(text).encode() + EDGE for one in found)


@given(test=REGEXES, text=st.one_of(TEXTS, ASCII))
@example(test=Regex("i", "i"), text="İ")
@example(test=Regex("k+", "i"), text="\u212a")
@example(test=Regex("(?i)ß"), text="ẞ")
@example(test=Regex("a{,2}b"), text="b")
@example(test=Regex("(?:ab|)c"), text="c")
@example(test=Regex("ab*c"), text="ac")
def test_a_value_that_a_regex_matches_holds_one_of_its_texts(test: Regex, text: str) -> None:
    texts = regex_texts(test.pattern, test.flags)
    if texts is not None and matches(test, text):
        assert any(one in fold(text) for one in texts)


@given(test=REGEXES, texts=st.lists(st.one_of(TEXTS, ASCII), min_size=1, max_size=4))
@example(test=Regex(r"\s"), texts=["\x0b", "\x1c", "\x85"])
@example(test=Regex("a$"), texts=["a\n", "a\n\n"])
@example(test=Regex(r"a\Z"), texts=["a", "a\n"])
@example(test=Regex("."), texts=["\r", "\n", "é"])
def test_a_value_that_a_regex_matches_is_found(test: Regex, texts: list[str]) -> None:
    if not is_searchable(test):
        return
    found = searched([(texts, [test])])
    assert found >= {(row, 0, test) for row, text in enumerate(texts) if matches(test, text)}


CELLS = st.one_of(st.none(), TEXTS, st.lists(TEXTS, max_size=3))
WANTED = st.lists(st.tuples(st.sampled_from(["", "$"]), TEXTS, st.sampled_from(["", "$"])), max_size=4)


@given(
    wanted=st.lists(WANTED, min_size=1, max_size=3),
    cells=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5),
)
@example(wanted=[[("", "k", "")], [("", "b", "")]], cells=[["", "b", ""], ["\u212a", "a", ""]])
@example(wanted=[[("", "a", ""), ("", "é", "")]], cells=[["", "", ""], ["bÉ", "", ""], ["aA", "", ""]])
@example(wanted=[[("$", "", "$")], [("$", "a", "$")]], cells=[["", "a", ""], ["a", None, ""], [[], ["a", ""], ""]])
@example(wanted=[[("", "a", "")], [("", "b", "")]], cells=[["b" * 9, "a" * 9, ""], ["a" * 9999, "b", ""]])
def test_needles_are_found_in_the_rows_that_hold_them(wanted: list[Any], cells: list[list[Any]]) -> None:
    edges = {"": b"", "$": EDGE}
    columns = []
    for number, some in enumerate(wanted):
        needle = [edges[start] + fold(text).encode() + edges[end] for start, text, end in some]
        columns.append(
            ([row[number] for row in cells], [one for one in needle if one.strip(EDGE) or one == EDGE + EDGE])
        )
    assert searched(columns) == {
        (row, number, one)
        for number, (values, needle) in enumerate(columns)
        for row, cell in enumerate(values)
        for text in ([cell] if isinstance(cell, str) else cell or ())
        for one in needle
        if one in EDGE + fold(text).encode() + EDGE
    }


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_column_that_is_full_of_needles_hides_nothing_of_others(letter: str) -> None:
    columns = [
        (["", f"x {letter * MATCHES_PER_VALUE * 100}", None], [letter.encode(), b"x"]),
        ([None, "y", "y"], [b"y"]),
    ]
    assert searched(columns) == {(1, 0, letter.encode()), (1, 0, b"x"), (1, 1, b"y"), (2, 1, b"y")}


def searched(columns: Sequence[tuple[Sequence[Any], Sequence[Sought]]]) -> set[tuple[int, int, Sought]]:
    """What is found of what is sought in each of the columns: the row, the column, and what."""
    sought = [(column, one) for column, (_, some) in enumerate(columns) for one in dict.fromkeys(some)]
    scanners = [Scanner.of((at, one) for at, (its, one) in enumerate(sought) if its == n) for n in range(len(columns))]
    rows, numbers = search(zip(map(array, columns), scanners, strict=True), len(columns[0][0]))
    return {(row, *sought[number]) for row, number in zip(rows, numbers, strict=True)}


def array(column: tuple[Sequence[Any], object]) -> pa.Array:
    if any(isinstance(cell, list) for cell in column[0]):
        return pa.array([[cell] if isinstance(cell, str) else cell for cell in column[0]], pa.list_(pa.string()))
    return pa.array(column[0], pa.string())


def test_letters_that_fold_to_ascii() -> None:
    beyond = (chr(code) for code in range(0x80, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    assert "".join(one for one in beyond if fold(one).isascii()) == STRANGE


def test_what_regular_expressions_are_searched_for_by() -> None:
    wanted = {
        r"cmd.{0,5}(?:/c|/r).+powershell": {"powershell"},
        r"cmd.+powershell.+(?:input|noexit)": {"input", "noexit"},
        r"net\s+(?:stop|start) ": {"stop", "start"},
        r"(?i)\.exe\s+\d{2,10}": {".exe"},
        r"(?i)whoami": {"whoam"},
        r"a|b[^c]d": {"a", "b"},
        r"[a-z]{4}": None,
        r"x?": None,
        r"(?x) a b": None,
        r"ab{e<=1}": None,
    }
    assert {pattern: regex_texts(pattern) for pattern in wanted} == {
        pattern: None if texts is None else frozenset(texts) for pattern, texts in wanted.items()
    }
    assert not is_searchable(Regex("(?:a{1,500}){1,500}"))
    assert is_searchable(Regex(r"\s[a-fA-F0-9]{64}\s[a-fA-F0-9]{16}"))


@given(st.lists(st.text(max_size=6), max_size=6))
def test_a_column_folds_as_its_values(texts: list[str]) -> None:
    assert folded(pa.array(texts, pa.string())).to_pylist() == [fold(text) for text in texts]
