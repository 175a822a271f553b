"""A dead letter keeps what it can of a record."""

from watchfloor.deadletter import MAX_RAW_BYTES, dead_letter
from watchfloor.event import Origin


def test_a_long_record_is_cut_and_says_how_long_it_was() -> None:
    letter = dead_letter("t", Origin("a\u202e.json", 7), "ingest", "too long", b"\xff" * (MAX_RAW_BYTES + 1))
    assert (len(letter.raw), letter.size) == (MAX_RAW_BYTES, MAX_RAW_BYTES + 1)
    assert letter.place() == "a\u202e.json:7"


def test_a_record_that_fits_is_kept_whole() -> None:
    letter = dead_letter("t", Origin("a", 1, 3), "normalize", "no time", b"\0{")
    assert (letter.raw, letter.size) == (b"\0{", 2)
