"""Hides findings on the command line: which suppressions count, how much they hid, and where that went."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import orjson
import pyarrow as pa
import typer
from rich.text import Text

from watchfloor.cli.progress import stderr
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.detect.sigma import RuleSet
from watchfloor.errors import ContentError, argument
from watchfloor.finding import Finding
from watchfloor.normalize import Source
from watchfloor.operator import KeyedOperator
from watchfloor.rulecraft.replay import Replayed
from watchfloor.rulecraft.suppression import Suppression, apply, events_of
from watchfloor.run.hiding import EventOf

if TYPE_CHECKING:
    from watchfloor.run.content import Content

Suppressions = Annotated[
    list[Path] | None,
    typer.Option("--suppressions", help="A file of suppressions. May be repeated.", metavar="FILE"),
]
HiddenFile = Annotated[
    Path | None, typer.Option("--hidden", help="Write the findings that suppressions hide.", metavar="FILE")
]


class Quiet:
    """The suppressions of a run at work."""

    def __init__(self, active: Sequence[Suppression], sink: BinaryIO | None) -> None:
        self._active = active
        self._sink = sink
        self._now = system_clock()
        self._event_of: EventOf = events_of(None)
        self.by_suppression: Counter[str] = Counter()
        self.by_rule: Counter[str] = Counter()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to hide."""
        return not self._active

    def look_at(self, events: pa.RecordBatch) -> None:
        """The events that findings are about next, tagged with their entities."""
        if not self.is_idle:
            self._event_of = events_of(events)

    def kept(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings that stay."""
        for finding in findings:
            yield from self._keep([finding])

    def history(self, batches: Iterable[Replayed]) -> Iterator[Replayed]:
        """A replay without what is hidden."""
        for batch in batches:
            self._event_of = events_of(batch.events)
            yield Replayed(batch.events, self._keep(batch.findings))

    def _keep(self, findings: list[Finding]) -> list[Finding]:
        if self.is_idle:
            return findings
        kept, hidden = apply(self._active, findings, self._now, self._event_of)
        for one in hidden:
            self.by_suppression[one.suppression] += 1
            self.by_rule[one.finding.rule.id] += 1
            if self._sink is not None:
                self._sink.write(orjson.dumps(one.to_ocsf(now=int(self._now.timestamp() * 1000))) + b"\n")
        return kept


@contextmanager
def suppressing(
    named: Sequence[Path] | None,
    content: Sequence[Path] | None,
    ruleset: RuleSet,
    sources: Sequence[Source],
    hidden: Path | None,
) -> Iterator[Quiet]:
    """The suppressions of the named files and of the content roots, those refused named on standard error.

    Raises:
        InputError: A named file does not exist, or the hidden findings cannot be written.
    """
    active = admitted_suppressions(named, content, ruleset, sources)
    with ExitStack() as stack:
        quiet = Quiet(active, None if hidden is None else stack.enter_context(_open(hidden)))
        yield quiet
    for name, count in quiet.by_suppression.most_common():
        stderr().print(Text(visible(f"suppression {name} hid {count:,} findings")))


def admitted_suppressions(
    named: Sequence[Path] | None,
    content: Sequence[Path] | None,
    ruleset: RuleSet,
    sources: Sequence[Source],
    keyed: Sequence[KeyedOperator[Any]] = (),
) -> tuple[Suppression, ...]:
    """The suppressions of the named files and of the content roots that count; the others are named.

    Raises:
        InputError: A named file does not exist.
    """
    if not (named or content):
        return ()
    from watchfloor.rulecraft.suppression_file import admit, suppression_files  # noqa: PLC0415 - dear, and few name any

    files = suppression_files(named or (), content or ())
    admitted = admit(files, ruleset, sources, system_clock(), keyed)
    for refusal in admitted.refused:
        stderr().print(Text(visible(str(refusal))), soft_wrap=True)
    return admitted.active


def standing_suppressions(
    named: Sequence[Path] | None, user: Sequence[Path] | None, content: "Content"
) -> tuple[tuple[Suppression, ...], tuple[ContentError, ...]]:
    """The suppressions of the named files and of content roots for a run without end, and an error for each other.

    One that has expired is among them: it hides nothing any more, and is no error.

    Raises:
        InputError: A named file does not exist.
    """
    from watchfloor.rulecraft.suppression_file import admit, suppression_files  # noqa: PLC0415 - dear, and few name any

    files = suppression_files(named or (), user or ())
    if not files:
        return (), ()
    admitted = admit(files, content.rules, content.sources, datetime.min.replace(tzinfo=UTC), content.keyed)
    return admitted.active, admitted.refused


def _open(path: Path) -> BinaryIO:
    with argument(path):
        return path.open("wb")
