"""Loads Sigma rules from folders, files and zips: what can be matched, and by name what cannot."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from watchfloor.detect.sigma.compile import Placeholders, compile_rule
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.correlation import Correlation
from watchfloor.detect.sigma.correlation_link import link_correlations
from watchfloor.detect.sigma.files import RuleFile, rule_files
from watchfloor.detect.sigma.filters import CompiledFilter, apply_filters, compile_filter
from watchfloor.detect.sigma.parse import Parsed, parse_file
from watchfloor.detect.sigma.ruleset import RuleSet
from watchfloor.errors import ContentError


def load_rules(paths: Sequence[Path], *, placeholders: Placeholders | None = None) -> RuleSet:
    """The Sigma rules of folders (with all below them), files and zips.

    YAML that is not a Sigma rule is not looked at. Folders named ``deprecated`` and ``unsupported`` are skipped, unless
    the path is one of them or inside it. A rule that is broken, a second rule of the same id, a correlation of
    rules that are not there, a rule whose ``placeholders`` have no values: each is an error with its path
    (``zip!member``), its line and the reason, and the others load. Filters and correlations apply to all rules loaded
    with them.

    Raises:
        InputError: A path does not exist.
    """
    loading = _Loading(placeholders)
    seen: set[Path] = set()
    bare = []
    for path in paths:
        resolved = path.resolve()
        if resolved not in seen:
            seen.add(resolved)
            if not sum(loading.take(file) for file in rule_files(path)):
                bare.append(path)
    return msgspec.structs.replace(loading.finish(), bare=tuple(bare))


class _Loading:
    def __init__(self, placeholders: Placeholders | None) -> None:
        self._placeholders = placeholders
        self._rules: dict[str, CompiledRule] = {}
        self._correlations: dict[str, Correlation] = {}
        self._filters: list[CompiledFilter] = []
        self._errors: list[ContentError] = []
        self._files: set[str] = set()

    def take(self, file: RuleFile | ContentError) -> int:
        """Read one file, once, also where paths overlap; how much of Sigma it holds, loaded or not."""
        key = str(Path(file.path).resolve())
        if key in self._files:
            return 1
        self._files.add(key)
        everything = (file,) if isinstance(file, ContentError) else tuple(parse_file(file))
        for parsed in everything:
            try:
                self._keep(parsed)
            except ContentError as error:
                self._errors.append(error)
        return len(everything)

    def _keep(self, parsed: Parsed | ContentError) -> None:
        if isinstance(parsed, ContentError):
            raise parsed
        if isinstance(parsed.rule, SigmaFilter):
            self._filters.append(compile_filter(parsed.rule, parsed.place, self._placeholders))
        elif isinstance(parsed.rule, SigmaRule):
            rule = compile_rule(parsed.rule, parsed.place, self._placeholders)
            self._is_new(rule, parsed)
            self._rules[rule.rule.id] = rule
        else:
            self._is_new(parsed.rule, parsed)
            self._correlations[parsed.rule.rule.id] = parsed.rule

    def _is_new(self, one: CompiledRule | Correlation, parsed: Parsed) -> None:
        uid = one.rule.id
        if (first := self._rules.get(uid) or self._correlations.get(uid)) is not None:
            raise parsed.place.error(f"the id {uid} is already that of {first.rule.path}", "id")

    def finish(self) -> RuleSet:
        """All that was read, with the filters applied and the correlations linked."""
        rules, unmatched = apply_filters(tuple(self._rules.values()), self._filters)
        links = link_correlations(rules, tuple(self._correlations.values()))
        return RuleSet(rules, (*self._errors, *unmatched, *links.errors), links.correlations, links.silent)
