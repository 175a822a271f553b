"""Draws a case's entity graph: who came from where, acted on what, with which words on the way."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import msgspec
from markupsafe import Markup, escape

from watchfloor.case import Link
from watchfloor.console.svg import element, group, picture
from watchfloor.console.svg_layout import Edge, Layout, Node, arrange
from watchfloor.console.svg_marks import strokes
from watchfloor.console.text import brief, cells
from watchfloor.console.words import count
from watchfloor.event import Entity

WIDTH = 1120.0
"""Of the picture, in its own units; the column it stands in scales it."""
_NODE_WIDTH = {1: 320.0, 2: 270.0, 3: 230.0, 4: 206.0}
_NODE, _BEND, _GAP, _HEAD = 38.0, 16.0, 16.0, 34.0
_LETTER, _NAME_LETTER = 6.4, 7.0
"""Mean widths of a letter of a label and of a name, enough to cut texts and to keep labels apart."""
_LABEL, _SWING = 16.0, 96.0
_ALONG = (0.66, 0.56, 0.76, 0.46, 0.84, 0.36)
"""Where on an edge its label may stand, from the busier end, the best place first: there the lines have parted."""
_WORDS, _SHORT_WORDS = 28, 15


class _Box(msgspec.Struct, frozen=True):
    x: float
    y: float
    width: float
    height: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class _Curve(msgspec.Struct, frozen=True):
    """A cubic Bézier curve: its four points."""

    points: tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

    def at(self, t: float) -> tuple[float, float]:
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = self.points
        return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3


def entity_graph(entities: Iterable[Entity], links: Iterable[Link]) -> Markup | None:
    """The graph, or ``None`` where nothing is connected. Beyond 25 nodes the least connected are folded."""
    layout = arrange(entities, links)
    if not layout.edges:
        return None
    boxes, height = _boxes(layout)
    nodes = [node for column in layout.columns for node in column if node.kind]
    lines, labels = _drawn_edges(layout.edges, boxes, [boxes[node.id] for node in nodes])
    return picture(
        *_headings(layout, boxes),
        *lines,
        *(_drawn_node(node, boxes[node.id]) for node in nodes),
        *labels,
        label=f"Entity graph: {count(len(nodes), 'node')}, {count(len(layout.edges), 'connection')}; "
        "the list after it says the same in words",
        width=WIDTH,
        height=height,
        scales=True,
    )


def _boxes(layout: Layout) -> tuple[dict[str, _Box], float]:
    heights = [sum((_NODE if node.kind else _BEND) + _GAP for node in column) - _GAP for column in layout.columns]
    tallest = max(heights)
    width = _NODE_WIDTH[len(layout.columns)]
    last = {node.id for node in layout.columns[-1]}
    margin = _SWING if any(edge.source in last and edge.target in last for edge in layout.edges) else 4.0
    step = (WIDTH - width - margin) / max(1, len(layout.columns) - 1)
    boxes: dict[str, _Box] = {}
    for index, (column, height) in enumerate(zip(layout.columns, heights, strict=True)):
        y = _HEAD + (tallest - height) / 2
        for node in column:
            tall = _NODE if node.kind else _BEND
            boxes[node.id] = _Box(2 + index * step, y, width, tall)
            y += tall + _GAP
    return boxes, _HEAD + tallest + 6


def _headings(layout: Layout, boxes: dict[str, _Box]) -> list[Markup]:
    return [
        element("text", heading.upper(), x=boxes[column[0].id].x, y=14, class_="column-head")
        for heading, column in zip(layout.headings, layout.columns, strict=True)
    ]


def _drawn_node(node: Node, box: _Box) -> Markup:
    name = escape(brief(node.name, int((box.width - 46) / _NAME_LETTER)))
    return group(
        element("title", node.name if node.folded else f"{node.kind}: {node.name}"),
        element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=box.height / 2, class_="node-box"),
        element("circle", cx=box.x + 19, cy=box.y + 19, r=14, class_="node-disc"),
        group(strokes("more" if node.folded else node.kind), transform=f"translate({box.x + 11:.1f} {box.y + 11:.1f})"),
        element("text", name, x=box.x + 38, y=box.y + 23.5, class_="node-name"),
        class_=f"node n-{node.kind}" + (" folded" if node.folded else ""),
    )


def _drawn_edges(
    edges: tuple[Edge, ...], boxes: dict[str, _Box], taken: list[_Box]
) -> tuple[list[Markup], list[Markup]]:
    """The lines, and the labels that find a place beside what is ``taken``."""
    lines, labels = [], []
    degree = Counter(end for edge in edges for end in (edge.source, edge.target))
    for edge in sorted(edges, key=lambda one: (-one.count, one.source, one.target)):
        curves, path = _route(edge, boxes)
        weight = " heavy" if edge.count >= 10 else ""
        lines.append(
            group(
                element("title", f"{'; '.join(edge.words)} ({count(edge.count, 'time')})"),
                element("path", d=path, class_=f"edge{weight}"),
                _arrow(curves[-1]),
            )
        )
        label = _label(edge, curves, taken, from_source=degree[edge.source] >= degree[edge.target])
        if label is not None:
            labels.append(label)
    return lines, labels


def _route(edge: Edge, boxes: dict[str, _Box]) -> tuple[list[_Curve], str]:
    """The curves between the columns that an edge passes, and the whole path; within a column it swings out."""
    stops = [boxes[key] for key in edge.path]
    curves: list[_Curve] = []
    for a, b in pairwise(stops):
        ya, yb = a.y + a.height / 2, b.y + b.height / 2
        if a.x == b.x:
            out = a.x + a.width
            swing = out + min(_SWING * 1.2, 30 + abs(yb - ya) / 6)
            curves.append(_Curve(((out, ya), (swing, ya), (swing, yb), (out, yb))))
            continue
        xa, xb = (a.x + a.width, b.x) if b.x > a.x else (a.x, b.x + b.width)
        middle = (xa + xb) / 2
        curves.append(_Curve(((xa, ya), (middle, ya), (middle, yb), (xb, yb))))
    path = " ".join(
        f"{'L' if index else 'M'}{x0:.1f} {y0:.1f} C{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f} {x3:.1f} {y3:.1f}"
        for index, curve in enumerate(curves)
        for (x0, y0), (x1, y1), (x2, y2), (x3, y3) in [curve.points]
    )
    return curves, path


def _arrow(curve: _Curve) -> Markup:
    (x, y), (before, _) = curve.points[3], curve.points[2]
    back = x + (8 if before > x else -8)
    return element("path", d=f"M{x:.1f} {y:.1f}L{back:.1f} {y - 4:.1f}V{y + 4:.1f}Z", class_="arrow")


def _label(edge: Edge, curves: list[_Curve], taken: list[_Box], *, from_source: bool) -> Markup | None:
    """The words on an edge where they cover nothing; ``None`` where there is no such place (the list has them)."""
    words = edge.words[0] + (f" +{len(edge.words) - 1}" if len(edge.words) > 1 else "")
    many = f" \N{MULTIPLICATION SIGN}{edge.count:,}" if edge.count > 1 else ""
    for letters in (_WORDS, _SHORT_WORDS):
        text = brief(words, letters - len(many)) + many
        width = cells(text) * _LETTER
        for curve in curves[::-1] if from_source else curves:
            for t in _ALONG:
                x, y = curve.at(t if from_source else 1 - t)
                box = _Box(min(max(2.0, x - width / 2), WIDTH - width - 2), y - _LABEL / 2, width, _LABEL)
                if not any(box.meets(other) for other in taken):
                    taken.append(box)
                    middle = box.x + width / 2
                    return element(
                        "text", escape(text), x=middle, y=box.y + 12, text_anchor="middle", class_="edge-label"
                    )
    return None
