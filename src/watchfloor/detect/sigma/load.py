"""Loads Sigma rules from folders, files and zips: what can be matched, and by name what cannot."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from watchfloor.detect.sigma.compile import Placeholders, compile_rule
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.files import RuleFile, rule_files
from watchfloor.detect.sigma.filters import CompiledFilter, apply_filters, compile_filter
from watchfloor.detect.sigma.parse import Parsed, parse_file
from watchfloor.errors import ContentError


class RuleSet(msgspec.Struct, frozen=True):
    """The rules that loaded, in the order of their paths, and an error for each thing that did not."""

    rules: tuple[CompiledRule, ...] = ()
    errors: tuple[ContentError, ...] = ()


def load_rules(paths: Sequence[Path], *, placeholders: Placeholders | None = None) -> RuleSet:
    """The Sigma rules of folders (with all below them), files and zips.

    YAML that is not a Sigma rule is not looked at. Folders named ``deprecated`` and ``unsupported`` are skipped, unless
    the path is one of them or inside it. A rule that is broken, a correlation, a second rule of the same id, a rule
    whose ``placeholders`` have no values: each is an error with its path (``zip!member``), its line and the reason, and
    the others load. Filters apply to all rules loaded with them.

    Raises:
        InputError: A path does not exist.
    """
    loading = _Loading(placeholders)
    seen: set[Path] = set()
    for path in paths:
        resolved = path.resolve()
        if resolved not in seen:
            seen.add(resolved)
            for file in rule_files(path):
                loading.take(file)
    return loading.finish()


class _Loading:
    def __init__(self, placeholders: Placeholders | None) -> None:
        self._placeholders = placeholders
        self._rules: dict[str, CompiledRule] = {}
        self._filters: list[CompiledFilter] = []
        self._errors: list[ContentError] = []
        self._files: set[str] = set()

    def take(self, file: RuleFile | ContentError) -> None:
        """Read one file, once, also where paths overlap."""
        key = str(Path(file.path).resolve())
        if key in self._files:
            return
        self._files.add(key)
        for parsed in (file,) if isinstance(file, ContentError) else parse_file(file):
            try:
                self._keep(parsed)
            except ContentError as error:
                self._errors.append(error)

    def _keep(self, parsed: Parsed | ContentError) -> None:
        if isinstance(parsed, ContentError):
            raise parsed
        if isinstance(parsed.rule, SigmaFilter):
            self._filters.append(compile_filter(parsed.rule, parsed.place, self._placeholders))
        elif isinstance(parsed.rule, SigmaRule):
            rule = compile_rule(parsed.rule, parsed.place, self._placeholders)
            if (first := self._rules.get(rule.rule.id)) is not None:
                raise parsed.place.error(f"the id {rule.rule.id} is already that of {first.rule.path}", "id")
            self._rules[rule.rule.id] = rule
        else:
            raise parsed.place.error(f"correlation rules ({parsed.rule.type}) are not supported yet", "correlation")

    def finish(self) -> RuleSet:
        """All that was read, with the filters applied."""
        rules, unmatched = apply_filters(tuple(self._rules.values()), self._filters)
        return RuleSet(rules, (*self._errors, *unmatched))
