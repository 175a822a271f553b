import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.console.text import brief, cells, visible

TIMES = "\N{MULTIPLICATION SIGN}"
ANY = st.text(st.characters(), max_size=300)


@given(ANY)
def test_nothing_hidden_is_left(text: str) -> None:
    shown = visible(text, 120)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}]
    shown.encode()


@given(ANY, st.integers(10, 200))
def test_length_is_bounded_and_noted(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit or f" … [{len(text):,} characters] … " in shown
    assert len(shown) <= limit + len(f" … [{len(text):,} characters] … ")


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=100))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert visible(text, 100) == text


def test_ordinary_languages_stay_readable() -> None:
    for text in ("Zürich naïve", "漢字かな", "שלום", "नमस्ते", "สวัสดี", "e\u0301"):
        assert visible(text) == text


def test_controls_are_written_out() -> None:
    assert visible("a\u202eb") == "a⟦U+202E⟧b"
    assert visible("\x1b[31m\x00") == "⟦U+001B⟧[31m⟦U+0000⟧"
    assert visible("\ud800") == "⟦U+D800⟧"
    assert visible("a\u00a0b\u200b") == "a⟦U+00A0⟧b⟦U+200B⟧"
    assert visible("one\r\ntwo\tthree") == "one↵two⇥three"


def test_our_notation_cannot_be_imitated() -> None:
    assert visible("⟦U+202E⟧") == "⟦U+27E6⟧U+202E⟧"


def test_stacked_accents_are_cut_down() -> None:
    shown = visible("z" + "\u0301" * 50, 2000)
    assert shown.count("\u0301") == 4
    assert f"⟦U+0301 {TIMES}46⟧" in shown


def test_a_cut_never_splits_what_was_written_out() -> None:
    shown = visible("\u202e\u202d" * 250, 60)
    head, _, tail = shown.partition(" … [500 characters] … ")
    assert head == "⟦U+202E⟧⟦U+202D⟧" * 2 + "⟦U+202E⟧"
    assert tail == "⟦U+202E⟧⟦U+202D⟧"


def test_runs_are_counted() -> None:
    assert visible("a\0\0b\0\0\0\0c") == f"a⟦U+0000⟧⟦U+0000⟧b⟦U+0000 {TIMES}4⟧c"
    assert visible("\u202e\u202d\u202d\u202d") == f"⟦U+202E⟧⟦U+202D {TIMES}3⟧"


def test_both_ends_of_a_long_text_stay() -> None:
    shown = visible("start" + "-" * 10_000 + "end.exe", 40)
    assert shown.startswith("start")
    assert shown.endswith("end.exe")
    assert "10,012 characters" in shown


@given(ANY, st.integers(3, 40))
def test_a_brief_text_fits(text: str, width: int) -> None:
    assert cells(brief(text, width)) <= width
    assert "⟦" not in brief(text, width).replace("⟦U+", "")
