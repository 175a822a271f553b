"""The metrics of a security operations centre, defined once: between which moments, of what, and when they are missing.

Every number that Watchfloor shows under one of these names follows the definition here. A metric that this version
cannot measure says why in ``unmeasured``; it is then shown as not measurable, never as 0.
"""

from typing import Literal

import msgspec

Name = Literal[
    "time-to-detect",
    "time-to-acknowledge",
    "time-to-respond",
    "time-to-contain",
    "dwell-time",
    "containment-latency",
    "compression",
    "analyst-efficiency",
    "automation-coverage",
    "audit-readiness",
    "agreement",
]


class Span(msgspec.Struct, frozen=True, tag="span"):
    """A length of time: from one moment to another."""

    start: str
    stop: str


class Ratio(msgspec.Struct, frozen=True, tag="ratio"):
    """One amount for each unit of another."""

    of: str
    over: str


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    ``unit`` is ``s`` for times, ``share`` for a ratio in [0, 1], else what is counted. ``missing`` says which subjects
    have no value though they should; ``censored`` which ones are known to have a value beyond any that was seen, and
    ``None`` where that cannot be. ``source`` names the record that the moments are read from. ``unmeasured`` says why
    ``watchfloor metrics`` cannot measure it in this version, and is ``None`` where it can.
    """

    name: Name
    title: str
    what: Span | Ratio
    unit: str
    missing: str
    source: str
    censored: str | None = None
    unmeasured: str | None = None


_NOTHING_EXECUTED = "no action is executed in this version"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="time-to-detect",
        title="Time to detect (MTTD)",
        what=Span("earliest malicious event", "the finding that led to confirmation"),
        unit="s",
        missing="attacks found by findings that carry no time",
        censored="attacks that were not found: longer than any time that was seen",
        source="truth.ndjson and findings.ndjson",
        unmeasured="needs the truth of what happened; `watchfloor score` measures it",
    ),
    Metric(
        name="time-to-acknowledge",
        title="Time to acknowledge (MTTA)",
        what=Span("case created", "first action of its owner"),
        unit="s",
        missing="cases without a time of creation",
        censored="cases that nobody has acted on",
        source="case store",
        unmeasured="cases have no owners in this version",
    ),
    Metric(
        name="time-to-respond",
        title="Time to respond (MTTR)",
        what=Span("case created", "containment verified"),
        unit="s",
        missing="cases without a time of creation",
        censored="cases whose containment is not verified",
        source="case store and record of effects",
        unmeasured=_NOTHING_EXECUTED,
    ),
    Metric(
        name="time-to-contain",
        title="Time to contain (MTTC)",
        what=Span("confirmation", "containment verified"),
        unit="s",
        missing="cases that were never confirmed",
        censored="confirmed cases whose containment is not verified",
        source="labels and record of effects",
        unmeasured=_NOTHING_EXECUTED,
    ),
    Metric(
        name="dwell-time",
        title="Dwell time",
        what=Span("first evidence in the case", "end of the finding that made it a case"),
        unit="s",
        missing="cases that their findings no longer explain",
        source="case store, without cases labelled false or benign",
    ),
    Metric(
        name="containment-latency",
        title="Containment latency",
        what=Span("approval", "effect verified"),
        unit="s",
        missing="effects without a recorded approval",
        censored="approved effects that are not verified",
        source="record of effects",
        unmeasured=_NOTHING_EXECUTED,
    ),
    Metric(
        name="compression",
        title="Compression",
        what=Ratio("findings", "case"),
        unit="findings",
        missing="none: a case has findings",
        source="case store; read it beside grouping precision and recall, which `watchfloor score --cases` measures",
    ),
    Metric(
        name="analyst-efficiency",
        title="Analyst efficiency",
        what=Ratio("time spent deciding", "time spent deciding and enriching"),
        unit="share",
        missing="cases whose work was not timed",
        source="case store",
        unmeasured="the time that people spend on a case is not recorded in this version",
    ),
    Metric(
        name="automation-coverage",
        title="Automation coverage",
        what=Ratio("eligible steps run without a person, by risk class, beside the reversal rate", "eligible steps"),
        unit="share",
        missing="steps without a risk class",
        source="record of effects",
        unmeasured=_NOTHING_EXECUTED,
    ),
    Metric(
        name="audit-readiness",
        title="Audit readiness",
        what=Ratio("cases whose evidence pack is complete and verifies", "cases"),
        unit="share",
        missing="cases without a pack; they count against the share",
        source="folder of packs; over all cases, since this version closes none",
    ),
    Metric(
        name="agreement",
        title="Agreement",
        what=Ratio("cases where machine and person gave the same disposition", "cases where both decided"),
        unit="share",
        missing="cases where one of them abstained; in recall they count as misses",
        source="labels and assessments",
        unmeasured="Watchfloor gives no disposition of its own in this version",
    ),
)
"""All metrics, in the order in which they are shown."""
