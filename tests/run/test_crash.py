"""A platform that is killed again and again loses nothing and doubles nothing that it acknowledged.

The long form is ``watchfloor bench crash --kills 200``.
"""

from pathlib import Path

import pytest

from watchfloor.testing.crash import crash


@pytest.mark.crash
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path: Path) -> None:
    tally = crash(tmp_path, kills=8, seed=4)
    assert tally.kills == 8
    assert tally.acknowledged > 1000
    assert tally.findings > 100
    assert (tally.lost, tally.doubled, tally.findings_lost, tally.findings_doubled) == (0, 0, 0, 0)
