"""``replay``: a span of time through the rules of now."""

from typing import Annotated

import typer

from watchfloor.cli.options import DATA, WORKERS, Content, Data, Processes, Rules
from watchfloor.cli.progress import stderr, working
from watchfloor.cli.rules_loading import rule_cache, source_cache, tell_errors
from watchfloor.clock import now_ms
from watchfloor.errors import InputError
from watchfloor.run.content import load_content
from watchfloor.run.identities import known_identities
from watchfloor.run.knowledge import known_of
from watchfloor.run.replay import Span, replay_events
from watchfloor.search.moments import moment
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake

_ALWAYS = (-(1 << 62), 1 << 62)


def replay(
    *,
    since: Annotated[str | None, typer.Option(help="Not before: 24h (ago), 2026-03-17, 2026-03-17T08:30Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Not after, written in the same way.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only events of this log source.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose events.")] = DEFAULT_TENANT,
    rules: Rules = None,
    content: Content = None,
    workers: Processes = WORKERS,
    data: Data = DATA,
) -> None:
    """Match events of the lake again, as they arrived: what rules of now find in them is kept.

    The events stay as they are. Doing it twice finds nothing new the second time.
    """
    folder = DataFolder(data)
    folder.require()
    loaded = load_content(
        rules=tuple(rules or ()), user=tuple(content or ()), load=rule_cache().load, sources=source_cache().load
    )
    tell_errors(loaded.errors)
    if source is not None and source not in {one.name for one in loaded.sources}:
        raise InputError(f"no source {source!r}")
    now = now_ms()
    low, high = _ALWAYS
    try:
        low = moment(since, now)[0] if since else low
        high = moment(until, now)[1] if until else high
    except ValueError as error:
        raise InputError(str(error)) from error
    known = known_of(folder, loaded, tenant, known_identities(folder, tenant))
    findings, doing = FindingStore(folder.database), loaded.workers(workers, reference=known)
    try:
        with working(stderr()) as bar:
            done = replay_events(
                Span(tenant, low, high, source),
                doing,
                Lake(folder.lake),
                findings,
                now=now,
                on_records=lambda count: bar.on_stage(f"replaying, {count:,} events", 0, 0),
            )
    finally:
        doing.close()
        findings.close()
    stderr().print(f"{done.records:,} events replayed: {done.findings:,} new findings.")
