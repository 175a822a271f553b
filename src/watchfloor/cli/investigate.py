"""``investigate`` and ``demo``: logs in; cases, a report and evidence packs out."""

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watchfloor import __version__
from watchfloor.cli.filters import admitted_filters
from watchfloor.cli.options import WORKERS, Assets, Content, FilterNoise, Geo, Paths, Processes, Rules, Source
from watchfloor.cli.progress import stderr, working
from watchfloor.cli.rules_loading import rule_cache, source_cache
from watchfloor.cli.rules_suppressing import Suppressions, admitted_suppressions
from watchfloor.clock import now_ms, system_clock
from watchfloor.console.model import (
    EvidenceEvent,
    Pack,
    ReportModel,
    Run,
    SourceCount,
    count_dead_letters,
    hourly,
    load_failures,
)
from watchfloor.console.report import render_report
from watchfloor.console.techniques import known_techniques
from watchfloor.console.terminal import print_summary
from watchfloor.console.text import visible
from watchfloor.errors import storing
from watchfloor.rulecraft.suppression import hiding
from watchfloor.run.content import Content as Loaded
from watchfloor.run.content import load_content
from watchfloor.run.investigation import Outcome
from watchfloor.run.investigation import investigate as run_investigation
from watchfloor.settings import DataFolder, Settings
from watchfloor.simulate import write_day

DEMO_SEED = 7
DEMO_DAY = date(2026, 3, 17)


def investigate(
    paths: Paths,
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write; becomes a data folder.", metavar="DIR")],
    rules: Rules = None,
    source: Source = None,
    content: Content = None,
    inventory: Assets = None,
    geo: Geo = None,
    suppressions: Suppressions = None,
    filter_noise: FilterNoise = False,
    workers: Processes = WORKERS,
) -> None:
    """Real logs to explained cases: DIR/report.html, cases.ndjson, findings.ndjson and signed evidence packs."""
    settings = Settings(
        data=out,
        rules=tuple(rules or ()),
        content=tuple(content or ()),
        source=source,
        inventory=inventory,
        geo=tuple(geo or ()),
        workers=workers,
    )
    _investigate(paths, settings, suppressions, filter_noise=filter_noise)


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write.", metavar="DIR")] = Path(".watchfloor/demo"),
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = DEMO_SEED,
) -> None:
    """A simulated day of one company, with an attack in it, through all five layers."""
    console = stderr()
    folder = DataFolder(out)
    folder.prepare()
    with console.status("simulating a day of a company"):
        summary = write_day(out, seed=seed, day=DEMO_DAY)
    console.print(
        f"Simulated a day of {summary.company}: {summary.total:,} records of Okta, Microsoft 365, AWS and Windows, "
        f"{summary.attacks} attacks, {summary.twins} harmless look-alikes.",
        markup=False,
    )
    _investigate([str(summary.logs)], Settings(data=out))


def _investigate(
    paths: Sequence[str],
    settings: Settings,
    suppressions: Sequence[Path] | None = None,
    *,
    filter_noise: bool = False,
) -> None:
    console = stderr()
    began = time.monotonic()
    with console.status("loading rules"):
        content = load_content(
            rules=settings.rules,
            user=settings.content,
            inventory=settings.inventory,
            load=rule_cache().load,
            sources=source_cache().load,
        )
    active = admitted_suppressions(suppressions, settings.content, content.rules, content.sources, content.keyed)
    filters = admitted_filters(content) if filter_noise else ()
    with working(console) as progress:
        outcome = run_investigation(
            paths,
            settings=settings,
            content=content,
            clock=system_clock,
            on_bytes=progress.on_bytes,
            on_stage=progress.on_stage,
            hiding=hiding(active, system_clock) if active else None,
            filters=filters,
        )
        progress.on_stage("writing the report", 0, 0)
        model = _model(paths, settings, content, outcome, began)
        report = DataFolder(settings.data).report
        with storing(report):
            report.write_text(render_report(model), encoding="utf-8")
    print_summary(model, console)
    for failure in outcome.failures:
        console.print(Text(visible(failure)))
    for name, (dropped, kept) in outcome.observed.filtered.items():
        console.print(Text(visible(f"filter {name} dropped {dropped:,} events and kept {kept:,} as samples")))


def _model(paths: Sequence[str], settings: Settings, content: Loaded, outcome: Outcome, began: float) -> ReportModel:
    observed = outcome.observed
    findings = [*(finding for case in outcome.cases for finding in case.findings), *outcome.loose]
    return ReportModel(
        run=Run(
            paths=tuple(paths),
            events=observed.sources.total(),
            sources=tuple(SourceCount(name, count) for name, count in observed.sources.most_common()),
            findings=len(findings),
            hidden=outcome.hidden,
            rules=len(content.rules.rules) + len(content.keyed),
            written_at=now_ms(),
            seconds=time.monotonic() - began,
            first=observed.first,
            last=observed.last,
            version=__version__,
            out=str(settings.data),
            public_key=str(settings.data / "keys" / "evidence.pub"),
        ),
        cases=outcome.cases,
        evidence={
            uid: EvidenceEvent(one.time, one.source, one.words, one.origin) for uid, one in outcome.described.items()
        },
        packs={uid: Pack(pack.file, pack.sha256) for uid, pack in outcome.packs.items()},
        techniques=known_techniques({uid for one in findings for uid in one.rule.techniques}),
        load_failures=load_failures(content.errors),
        dead_letters=count_dead_letters(outcome.dead_letters),
        activity=hourly(observed.hours, findings),
    )
