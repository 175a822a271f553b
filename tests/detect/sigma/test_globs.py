import re
import time

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import Wildcard, glob, glob_matcher

LETTERS = st.sampled_from(["a", "b", "ß", "İ", "\n", ".", "\\", "*"])
PARTS = st.lists(st.one_of(st.sampled_from(Wildcard), st.text(LETTERS, max_size=3)), max_size=7)


@given(parts=PARTS, text=st.text(LETTERS, max_size=12), anywhere=st.booleans())
def test_a_pattern_matches_as_its_regular_expression_does(
    *, parts: list[str | Wildcard], text: str, anywhere: bool
) -> None:
    wild = {Wildcard.MANY: ".*", Wildcard.ONE: "."}
    expression = "".join(wild[part] if isinstance(part, Wildcard) else re.escape(part) for part in parts)
    expected = re.fullmatch(f".*{expression}.*" if anywhere else expression, text, re.DOTALL) is not None
    assert glob_matcher(glob(parts, cased=True, anywhere=anywhere))(text) is expected


@given(st.text())
def test_folding_keeps_the_length_and_is_done_once(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_folding_knows_no_case(text: str) -> None:
    one_to_one = "".join(one for one in text if len(one.upper()) == len(one.lower()) == 1)
    assert fold(one_to_one.upper().lower()) == fold(one_to_one.lower().upper().lower())
    assert fold("Straße ΣΑΣ K") == fold("straẞe σας k")


def test_wildcards_do_not_backtrack() -> None:
    repeated: list[str | Wildcard] = ["a", Wildcard.MANY, Wildcard.ONE]
    parts = [Wildcard.MANY, *repeated * 30, "b"]
    started = time.process_time()
    assert not glob_matcher(glob(parts))("a" * 20_000)
    assert time.process_time() - started < 1
