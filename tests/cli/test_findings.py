"""The stream of findings on the command line, and what suppressions keep out of it."""

from pathlib import Path
from typing import Any

from watchfloor.finding import Finding, Rule
from watchfloor.settings import DataFolder
from watchfloor.store.findings import FindingStore

NOW = 1_767_225_600_000


def finding(number: int, tenant: str = "default") -> Finding:
    return Finding(
        uid=f"f{number}",
        tenant=tenant,
        rule=Rule("r", "A rule", "medium"),
        start=NOW,
        end=NOW,
        event_uids=(f"e{number}",),
        source="okta",
        key="k",
        summary="s",
    )


def test_what_is_suppressed_is_beside_the_stream_once(run: Any, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    store = FindingStore(folder.database)
    store.add([finding(1)], now=NOW)
    assert store.add_suppressed([("quiet", finding(2)), ("quiet", finding(3, "acme"))], now=NOW) == 2
    assert store.add_suppressed([("quiet", finding(2))], now=NOW) == 0
    assert store.add_suppressed([], now=NOW) == 0
    store.close()
    assert [one["unmapped"]["event_uids"] for one in run("findings", "--data", folder.path).lines] == [["e1"]]
    (hidden,) = run("findings", "--suppressed", "--data", folder.path).lines
    assert (hidden["unmapped"]["event_uids"], hidden["unmapped"]["suppression"]) == (["e2"], "quiet")
