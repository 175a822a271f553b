"""Real logs, where they are at hand: as many records as their origin says, and nothing unreadable."""

from pathlib import Path
from typing import Any

import orjson
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data"),
]


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("sigma/windows-attack.dev.native.jsonl.zst", 15_145),
        ("logs/aws/suzaku_sans504/cloudtrail_s3_ransomware.native.jsonl", 4_101),
        ("logs/aws/stratus/detonations.native.jsonl", 198),
    ],
)
def test_every_record_is_read(ingest: Any, path: str, count: int) -> None:
    result = ingest(DATA / path)
    assert len(result.raw) == count
    assert result.lines == list(range(1, count + 1))
    assert all(isinstance(orjson.loads(raw), dict) for raw in result.raw)
    assert not result.letters
