import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest
import regex

from watchfloor.case import Case, TimelineEntry
from watchfloor.console.model import EvidenceEvent, ReportModel
from watchfloor.console.report import render_report
from watchfloor.console.text import visible
from watchfloor.event import Origin

HTML_TAGS = set(
    """html head meta title style body a header footer main section article div span p h1 h2 h3 h4 h5 dl dt dd ul ol li
    table thead tbody tr th td b strong em small sup code bdi wbr time details summary figure""".split()  # noqa: SIM905
)
SVG_TAGS = {"svg", "g", "path", "rect", "circle", "line", "text", "title", "a"}
HTML_ATTRIBUTES = set(
    """lang charset http-equiv content name class id href style title aria-label aria-labelledby aria-hidden
    open""".split()  # noqa: SIM905
)
SVG_ATTRIBUTES = set(
    """xmlns role aria-label aria-hidden viewbox width height x y x1 x2 y1 y2 cx cy r rx dx d class transform href
    text-anchor stroke-dasharray""".split()  # noqa: SIM905
)
VOID = {"meta", "wbr"}
STYLES = regex.compile(
    r"(width:[\d.]+%|left:[\d.]+%|flex:\d+|grid-column:\d+|color:inherit;text-decoration:underline"
    r"|grid-template-columns:(minmax\(0,1fr\)|26px| )+)"
)


class Page(HTMLParser):
    """What a browser would make of the file: tags, attributes, texts, and whether all is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.svg_tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []
        self.comments: list[str] = []
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        in_svg = tag == "svg" or "svg" in self.open
        (self.svg_tags if in_svg else self.tags).add(tag)
        self.attributes += [("svg" if in_svg else tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append((data, tuple(self.open)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.fixture(scope="module")
def pages(sample: ReportModel, hostile: ReportModel, crowd: ReportModel) -> dict[str, str]:
    empty = msgspec.structs.replace(
        sample, cases=(), evidence={}, packs={}, activity=(), load_failures=(), dead_letters=()
    )
    return {
        name: render_report(model)
        for name, model in {"sample": sample, "hostile": hostile, "crowd": crowd, "empty": empty}.items()
    }


@pytest.fixture(params=["sample", "hostile", "crowd", "empty"])
def html(request: pytest.FixtureRequest, pages: dict[str, str]) -> str:
    return pages[request.param]


def test_only_known_tags_and_attributes(html: str) -> None:
    page = Page(html)
    assert page.tags <= HTML_TAGS
    assert page.svg_tags <= SVG_TAGS
    for tag, name, value in page.attributes:
        assert name in (SVG_ATTRIBUTES if tag == "svg" else HTML_ATTRIBUTES), (tag, name)
        if name == "href":
            assert regex.fullmatch(r"#[a-z0-9-]+", value)
        if name == "style":
            assert STYLES.fullmatch(value)
        if name in {"id", "class"}:
            assert regex.fullmatch(r"[A-Za-z0-9 -]+", value)
    assert not page.unclosed
    assert not page.open
    assert not page.comments


def test_nothing_runs_and_nothing_is_loaded(html: str) -> None:
    lowered = html.lower()
    assert "<script" not in lowered
    assert not regex.search(r"<[^>]*\son[a-z]+\s*=\s*[^>]*>", regex.sub(r'"[^"]*"', '""', lowered))
    assert not regex.search(
        r"(src|srcset|data|action|formaction|poster|background)\s*=", regex.sub(r">[^<]*<", "><", lowered)
    )
    styles = regex.search(r"<style>(.*?)</style>", html, regex.DOTALL)
    assert styles is not None
    assert "url(" not in styles[1]
    assert "@import" not in styles[1]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html


def test_pictures_are_valid_xml(html: str) -> None:
    pictures = regex.findall(r"<svg.*?</svg>", html, regex.DOTALL)
    for picture in pictures:
        root = ET.fromstring(picture)  # noqa: S314 - our own output
        if root.get("aria-hidden") is None:
            assert root.get("aria-label")
            assert root[0].tag.endswith("title")
    assert pictures


def test_anchors_resolve(html: str) -> None:
    page = Page(html)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for _, name, value in page.attributes if name == "href"}
    wanted |= {value for _, name, value in page.attributes if name == "aria-labelledby"}
    assert wanted <= set(ids)


def test_texts_of_logs_are_isolated_and_whole(sample: ReportModel, poisoned: Callable[..., ReportModel]) -> None:
    """Each free string that is printed stands within bdi, an attribute, the page's title or a picture."""
    html = render_report(poisoned(sample, lambda n: f"\u05d0<{n}>"))
    loose = [text for text, inside in Page(html).texts if "\u05d0" in text and not {"bdi", "title", "text"} & {*inside}]
    assert not loose


def test_hidden_characters_are_written_out(pages: dict[str, str]) -> None:
    html = pages["hostile"]
    allowed = {"\u00ad", "\u2060"}
    hidden = set(regex.findall(r"[\p{C}\p{Default_Ignorable_Code_Point}]", html)) - {"\n"}
    assert hidden <= allowed
    assert "⟦U+202E⟧" in html
    assert "⟦U+D800⟧" in html
    assert "U+27E6" not in html, "something was made visible twice"
    assert html.encode()
    assert not regex.search(r"\p{M}{9}", html)
    assert "x" * 1300 not in html


def test_the_title_of_the_page_is_made_visible(sample: ReportModel) -> None:
    run = msgspec.structs.replace(sample.run, paths=("logs/</title>\u202e\ud800.evtx",))
    html = render_report(msgspec.structs.replace(sample, run=run))
    assert "<title>Watchfloor: title&gt;⟦U+202E⟧⟦U+D800⟧.evtx</title>" in html


def test_hostile_strings_change_no_tag(sample: ReportModel, hostile: ReportModel, pages: dict[str, str]) -> None:
    """The hostile page has the structure of a page whose strings are plain."""
    assert not {case.title for case in sample.cases} & {case.title for case in hostile.cases}
    plain, attacked = Page(pages["sample"]), Page(pages["hostile"])
    assert attacked.tags == plain.tags
    assert attacked.svg_tags == plain.svg_tags


def test_same_model_same_bytes(sample: ReportModel) -> None:
    again = msgspec.structs.replace(sample, evidence=dict(reversed(list(sample.evidence.items()))))
    assert render_report(sample) == render_report(again)


def test_three_hundred_cases_are_small_and_quick(crowd: ReportModel) -> None:
    assert len(crowd.cases) == 300
    began = time.process_time()
    html = render_report(crowd)
    assert time.process_time() - began < 5
    assert len(html.encode()) < 5_000_000
    assert html.count('<article class="panel case') == 25
    assert html.count('<details class="row"') == 275


def test_three_hundred_huge_hostile_cases_stay_below_the_limit(sample: ReportModel) -> None:
    """Ten thousand characters that all need escaping, in every place, in cases with hundreds of entries."""
    worst = "\"<\u202e&'" * 2_000
    base = max(sample.cases, key=lambda case: len(case.timeline))
    entries = tuple(
        TimelineEntry(entry.time, entry.end, f"{n} {worst}", entry.level, entry.tactic, (), entry.event_uids)
        for n, entry in enumerate(base.timeline)
    )
    cases = tuple(
        msgspec.structs.replace(base, uid=str(n), title=worst, timeline=entries, why_together=(worst,) * 50)
        for n in range(300)
    )
    evidence = {uid: EvidenceEvent(one.time, worst, worst, Origin(worst, 1)) for uid, one in sample.evidence.items()}
    began = time.process_time()
    html = render_report(msgspec.structs.replace(sample, cases=cases, evidence=evidence, packs={}))
    assert time.process_time() - began < 5
    assert len(html.encode()) < 5_000_000
    page = Page(html)
    ids = {value for _, name, value in page.attributes if name == "id"}
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= ids


def test_what_a_reader_needs_is_there(sample: ReportModel, pages: dict[str, str]) -> None:
    words = " ".join(text for text, _ in Page(pages["sample"]).texts)
    first = sample.ranked[0]
    assert first.assessment is not None
    for text in (
        first.title,
        first.assessment.headline,
        *(sentence.text for sentence in first.assessment.sentences),
        *first.assessment.checks,
        *(step.decision.reasons[0] for proposal in first.proposals for step in proposal.steps),
        sample.packs[first.uid].sha256,
        "correlation rules are not supported yet",
        "not JSON: unexpected end of data",
        "T1621",
    ):
        assert text in words
    for verdict in ("Permitted", "Needs approval", "Denied"):
        assert verdict in words


def test_citations_lead_to_the_events_that_were_cited(sample: ReportModel, pages: dict[str, str]) -> None:
    html = pages["sample"]
    first = sample.ranked[0]
    assert first.assessment is not None
    sentence = first.assessment.sentences[1]
    marks = regex.search(regex.escape(sentence.text) + r"</bdi>&#8288;<sup><a href=\"#([a-z0-9-]+)\"", html)
    assert marks is not None
    item = regex.search(rf'<li id="{marks[1]}">.*?</li>', html)
    assert item is not None
    assert visible(sample.evidence[sentence.cites[0]].words) in item[0]
    assert sentence.cites[0] in item[0]


def test_times_beyond_the_calendar_are_no_crash(sample: ReportModel) -> None:
    far = 10**18
    case = sample.cases[2]
    entries = tuple(msgspec.structs.replace(entry, time=-far, end=far) for entry in case.timeline)
    moved: Case = msgspec.structs.replace(case, start=-far, end=far, timeline=entries)
    evidence = {uid: msgspec.structs.replace(one, time=far) for uid, one in sample.evidence.items()}
    run = msgspec.structs.replace(sample.run, first=-far, last=far)
    html = render_report(msgspec.structs.replace(sample, cases=(moved,), evidence=evidence, run=run))
    assert "beyond the calendar" in html


def test_cases_without_assessment_or_evidence_still_show(sample: ReportModel) -> None:
    bare = tuple(
        msgspec.structs.replace(case, assessment=None, timeline=(), links=(), proposals=()) for case in sample.cases
    )
    html = render_report(msgspec.structs.replace(sample, cases=bare, evidence={}, packs={}, techniques={}))
    assert html.count('<article class="panel case') == len(bare)
