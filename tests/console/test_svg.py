import xml.etree.ElementTree as ET

from markupsafe import Markup

from watchfloor.case import Link, TimelineEntry
from watchfloor.console.model import HOUR, Activity
from watchfloor.console.svg import element
from watchfloor.console.svg_activity import BINS, activity_strip
from watchfloor.console.svg_graph import entity_graph
from watchfloor.console.svg_lanes import lanes
from watchfloor.console.svg_layout import SHOWN_IN_COLUMN, SHOWN_NODES, arrange
from watchfloor.event import entity_of
from watchfloor.finding import Level

DAY = 24 * HOUR


def star(leaves: int) -> list[Link]:
    return [Link("user:hub", f"host:h{n:03}", "logged on", leaves - n) for n in range(leaves)]


def texts(picture: Markup) -> list[str]:
    return [node.text or "" for node in ET.fromstring(picture).iter() if node.tag.endswith("}text")]  # noqa: S314


def entry(time: int, level: Level, tactic: str | None, text: str = "seen") -> TimelineEntry:
    return TimelineEntry(time, time, text, level, tactic, (), ())


def test_an_element_escapes_texts_and_attributes() -> None:
    assert element("text", '<b "', href='"><x') == '<text href="&#34;&gt;&lt;x">&lt;b &#34;</text>'


def test_many_entities_fold_into_their_number() -> None:
    layout = arrange([], star(60))
    nodes = [node for column in layout.columns for node in column if node.kind]
    assert len(nodes) <= SHOWN_NODES
    assert [node.name for node in nodes if node.folded] == [f"+{60 - SHOWN_IN_COLUMN} more hosts"]
    assert "host:h000" in {node.id for node in nodes}
    assert sum(edge.count for edge in layout.edges) == sum(link.count for link in star(60))


def test_the_most_connected_stay() -> None:
    links = [*star(30), *(Link("address:192.0.2.1", f"host:h{n:03}", "connected") for n in range(20, 30))]
    shown = {node.id for column in arrange([], links).columns for node in column}
    assert {f"host:h{n:03}" for n in range(20, 30)} <= shown


def test_long_edges_bend_around_the_columns_between() -> None:
    links = [Link("address:a", "user:u", "x"), Link("user:u", "host:h", "y"), Link("address:a", "host:h", "z")]
    edge = next(edge for edge in arrange([], links).edges if edge.words == ("z",))
    assert len(edge.path) == 3


def test_layout_does_not_depend_on_the_order_of_links() -> None:
    links = [*star(40), *(Link(f"address:192.0.2.{n}", f"host:h{n:03}", "connected") for n in range(9))]
    assert arrange([], links) == arrange([], links[::-1])
    assert entity_graph([], links) == entity_graph([], links[::-1])


def test_nodes_of_a_graph_do_not_overlap_and_stay_inside() -> None:
    picture = entity_graph(
        [], [*star(9), Link("host:h001", "host:h005", "copied to"), Link("host:h001", "app:x", "ran")]
    )
    assert picture is not None
    root = ET.fromstring(picture)  # noqa: S314 - our own output
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    boxes = [
        tuple(float(box.get(name) or "nan") for name in ("x", "y", "width", "height"))
        for box in root.iter()
        if box.get("class") == "node-box"
    ]
    assert len(boxes) == 11
    for x, y, w, h in boxes:
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    for index, (x, y, w, h) in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert x + w <= other[0] or other[0] + other[2] <= x or y + h <= other[1] or other[1] + other[3] <= y


def test_a_graph_without_connections_is_none() -> None:
    assert entity_graph([entity_of("user:a")], []) is None
    assert entity_graph([entity_of("user:a")], [Link("user:a", "user:a", "self")]) is None


def test_lanes_follow_the_order_of_an_attack() -> None:
    made = lanes(
        [entry(3, "high", "impact"), entry(1, "low", "initial-access"), entry(2, "low", None), entry(2, "low", "zz")]
    )
    assert made is not None
    assert [lane.name for lane in made.lanes] == ["Initial access", "Impact", "Zz", "No tactic"]


def test_a_single_moment_needs_no_lanes() -> None:
    assert lanes([entry(1, "low", "impact"), entry(1, "low", "impact")]) is None


def test_the_gravest_entry_colours_a_shared_dot() -> None:
    made = lanes([entry(0, "low", "impact"), entry(1, "critical", "impact"), entry(10**9, "low", "impact")])
    assert made is not None
    assert made.lanes[0].svg.count("<circle") == 2
    assert "f-critical" in made.lanes[0].svg


def test_the_strip_counts_all_events_in_bounded_bars() -> None:
    hours = tuple(Activity(n * HOUR, 2, (0, 1, 0, 0, 0)) for n in range(5_000))
    strip = activity_strip(hours, ())
    assert strip is not None
    assert 20 < strip.svg.count('class="events"') <= BINS
    assert "10,000 events and 5,000 findings" in strip.svg


def test_stray_times_do_not_squeeze_the_rest() -> None:
    hours = tuple(Activity(1000 * DAY + n * HOUR, 500) for n in range(48))
    strip = activity_strip((Activity(0, 1), *hours, Activity(9000 * DAY, 2)), ())
    assert strip is not None
    assert "One bar is 1 h." in strip.note
    assert "3 events at stray times" in strip.note


def test_no_activity_no_strip() -> None:
    assert activity_strip((), ()) is None
    assert activity_strip((Activity(0, 0),), ()) is None
