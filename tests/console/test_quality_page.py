"""The page of data quality: what is wrong first, and whatever a sender writes stays text."""

from watchfloor.console.quality_page import quality_page
from watchfloor.deadletter import DeadLetter
from watchfloor.event import Origin
from watchfloor.run.quality import Quality
from watchfloor.testing.events import batch_of

NOW = 1_767_225_600_000
HOSTILE = "<script>alert(1)</script>\u202e"


def known() -> Quality:
    quality = Quality()
    good = [{"source": "okta", "time": NOW, "ingested_at": NOW, "class_uid": 3002, "origin.path": "http/okta"}] * 9
    quality.observe(batch_of(*good), [], now=NOW)
    bad = {"source": HOSTILE, "time": NOW, "ingested_at": NOW, "class_uid": 0, "origin.path": f"http/{HOSTILE}"}
    letter = DeadLetter("default", Origin(f"http/{HOSTILE}", 1), "normalize", f"{HOSTILE}: broken", b"{}", 2)
    quality.observe(batch_of(bad), [letter], now=NOW)
    return quality


def test_what_is_wrong_comes_first_and_is_said_in_words() -> None:
    quality = known()
    text = quality_page(quality.sources(NOW), quality.inputs(), now=NOW)
    assert text.index("50% of its records cannot be read") < text.index("<bdi>okta</bdi>")
    assert "100% lack what their class requires" in text
    assert text.count("as usual") == 2


def test_whatever_senders_write_stays_text() -> None:
    quality = known()
    text = quality_page(quality.sources(NOW), quality.inputs(), now=NOW)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert "default-src 'none'" in text


def test_what_could_not_be_taken_over_comes_first_and_stays_text() -> None:
    quality = known()
    reasons = ["rules/a.yml:4: expected ',' or '}'", f"rules/{HOSTILE}.yml: no rule"]
    text = quality_page(quality.sources(NOW), quality.inputs(), reasons, now=NOW)
    assert text.index("Not taken over") < text.index("rules/a.yml:4: ") < text.index("<h2>Sources</h2>")
    assert "<script" not in text
    assert "Not taken over" not in quality_page(quality.sources(NOW), quality.inputs(), now=NOW)


def test_an_empty_platform_has_a_page() -> None:
    assert "Nothing has arrived yet." in quality_page([], [], now=NOW)
