"""Each source that can be polled keeps the laws; a new ``poll.yml`` is tested without a line here."""

import shutil
from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.errors import ContentError
from watchfloor.ingest.inputs.poll.definition import load
from watchfloor.normalize import Source, load_sources
from watchfloor.testing.pollers import can_be_polled, check_poller

SOURCES, _ = load_sources()
POLLED = [source for source in SOURCES if can_be_polled(source)]


@pytest.mark.parametrize("source", POLLED, ids=lambda source: source.name)
def test_source_that_is_polled_keeps_the_laws(source: Source) -> None:
    check_poller(source, SOURCES)


WRONG = {
    "{nobody} is no setting": ('value: "SSWS {token}"', 'value: "SSWS {nobody}"'),
    "Object contains unknown field `retries`": ("endless: true", "endless: true\n    retries: 3"),
    "is no duration": ("overlap: 15m", "overlap: quarter of an hour"),
    "must be shorter than span": ("overlap: 15m", "overlap: 2d"),
    "auth, streams and permissions": (
        'auth:\n  - {kind: header, name: Authorization, value: "SSWS {token}"}',
        "auth: []",
    ),
    "only the pages of links are endless": ("{kind: link}", "{kind: none}"),
    "Invalid value 'hyperlink'": ("{kind: link}", "{kind: hyperlink}"),
    "each needs a setting with many": ("name: events", 'name: "{x}"\n    each: {x: url}'),
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_wrong_in_a_definition_is_named_with_its_file(reason: str, tmp_path: Path) -> None:
    folder = tmp_path / "okta_system_log"
    shutil.copytree(BUILT_IN / "sources" / "okta_system_log", folder)
    text = (folder / "poll.yml").read_text()
    before, after = WRONG[reason]
    assert before in text
    (folder / "poll.yml").write_text(text.replace(before, after))
    with pytest.raises(ContentError) as raised:
        load(folder)
    assert str(raised.value).startswith(str(folder / "poll.yml"))
    assert reason in str(raised.value)
