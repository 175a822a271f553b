"""``rules test``: the hits and misses of detections, and the regression tests that Sigma rules name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watchfloor.catalog import BUILT_IN, Folder, folders, roots
from watchfloor.cli.options import Content
from watchfloor.cli.progress import stderr, working
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.detect.sigma.load import load_rules
from watchfloor.errors import ContentError, GateError, InputError, argument
from watchfloor.normalize import load_sources
from watchfloor.rulecraft.authored import Authored, authored
from watchfloor.rulecraft.regression import KEY, Ran, regression_tests, run_regression
from watchfloor.testing.detections import broken_laws

LINE = 1_000
_OF_A_DETECTION = ("detection.yml", "detection.py", "cases")


def run_tests(
    path: Annotated[
        Path | None,
        typer.Argument(help="A detection's folder, a folder of them, or Sigma rules with regression tests."),
    ] = None,
    *,
    content: Content = None,
) -> None:
    """Run the hits and misses of detections, the built-in ones by default, and regression tests; exit 1 if one fails.

    A detection without a hit or without a miss fails. Sigma rules of SigmaHQ's layout name their tests by
    regression_tests_path.
    """
    detections = folders("detections", under=(BUILT_IN,)) if path is None else _detections(path)
    tested = [] if path is None else [rule for rule in authored([path]) if rule.attributes.get(KEY)]
    if not detections and not tested:
        raise InputError(
            f"{path}: no tests here: a detection's folder holds a folder named cases, a Sigma rule names its {KEY}"
        )
    failed = 0
    if detections:
        failed += _run_cases(detections)
    if path is not None and tested:
        failed += _run_regressions(path, tested, content or ())
    if failed:
        raise GateError(f"{failed} tests fail")


def _detections(path: Path) -> list[Folder]:
    with argument(path):
        if not path.is_dir():
            return []
        among = [path] if _is_detection(path) else sorted(path.iterdir())
    return [Folder(one.name, one) for one in among if _is_detection(one)]


def _is_detection(folder: Path) -> bool:
    return any((folder / name).exists() for name in _OF_A_DETECTION)


def _run_cases(detections: Sequence[Folder]) -> int:
    broken = broken_laws(detections)
    for name, problem in broken.items():
        _say(f"failed: {name}: {problem}")
    _say(f"{len(detections) - len(broken)} of {len(detections)} detections pass")
    return len(broken)


def _run_regressions(path: Path, tested: Sequence[Authored], content: Sequence[Path]) -> int:
    ruleset, (sources, _) = load_rules([path]), load_sources(roots(content))
    named = list(regression_tests(tested, ruleset))
    broken = [one for one in named if isinstance(one, ContentError)]
    tests = [one for one in named if not isinstance(one, ContentError)]
    ran: list[Ran] = []
    with working(stderr()) as progress:
        for at, test in enumerate(tests, start=1):
            ran.append(run_regression(test, ruleset, sources, clock=system_clock))
            progress.on_stage(f"testing {test.name}", at, len(tests))
    for error in broken:
        _say(f"failed: {error}")
    passed = sum(map(_passes, ran))
    _say(f"{passed} of {len(named)} regression tests of {len(tested)} rules pass")
    return len(named) - passed


def _passes(ran: Ran) -> bool:
    """Whether a test came out as it says, which is told if not."""
    if ran.problem:
        _say(f"failed: {_place(ran)}: {ran.problem}")
    elif ran.matches > ran.test.least:
        _say(f"more than it says: {_place(ran)}: {ran.matches} matches, {ran.test.least} expected")
    return not ran.problem


def _place(ran: Ran) -> str:
    return f"{ran.test.place}: {ran.test.name} ({ran.test.sample.name})"


def _say(line: str) -> None:
    stderr().print(Text(visible(line, LINE)), soft_wrap=True)
