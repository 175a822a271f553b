"""Parses rule files with pySigma; whatever it refuses becomes a named error."""

import copy
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import regex
import sigma.exceptions
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.filters import SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.rule import SigmaDetection, SigmaRule

from watchfloor.detect.sigma.correlation import Correlation
from watchfloor.detect.sigma.correlation_parse import read_correlation
from watchfloor.detect.sigma.dashes import MAX_DASH_VALUES, dash_values
from watchfloor.detect.sigma.documents import documents
from watchfloor.detect.sigma.files import RuleFile
from watchfloor.detect.sigma.matching import MAX_REGEX, compile_regex
from watchfloor.detect.sigma.metadata import describe
from watchfloor.detect.sigma.place import Place
from watchfloor.detect.sigma.regex_size import unrolled_length
from watchfloor.errors import ContentError

_LONGEST_PART = 200

Record = Any
"""A YAML document: a mapping if it is a rule."""


class Parsed(msgspec.Struct, frozen=True):
    """What one document says, and where."""

    place: Place
    rule: SigmaRule | Correlation | SigmaFilter


def parse_file(file: RuleFile) -> Iterator[Parsed | ContentError]:
    """The rules, correlations and filters of a file.

    A document that is none of them is not looked at, unless the user named the file and nothing else is in it. The
    ``action`` documents of older rule files (``global``, ``reset``, ``repeat``) work on the documents after them.
    """
    shared: list[Record] = []
    previous: list[Record] = []
    found = 0
    for document in documents(file.path, file.data):
        if isinstance(document, ContentError):
            found += 1
            yield document
            continue
        record = document.value
        action = record.get("action") if isinstance(record, dict) else None
        if action == "reset":
            shared = []
        elif action == "global":
            shared = previous = [record]
        elif action == "repeat" and previous:
            found += 1
            yield _parse(document.place, [*previous, record])
        elif _is_rule(record) or shared:
            found += 1
            previous = [*shared, record]
            yield _parse(document.place, previous)
    if file.named and not found:
        yield ContentError(file.path, "holds no Sigma rule: a mapping with logsource and detection")


def _is_rule(record: object) -> bool:
    """Whether a document is meant as a rule, a correlation or a filter, if perhaps a broken one."""
    if not isinstance(record, dict):
        return False
    detection = record.get("detection")
    return (
        ("detection" in record and "logsource" in record)
        or (isinstance(detection, dict) and "condition" in detection)
        or "correlation" in record
        or ("filter" in record and "logsource" in record)
    )


def _parse(place: Place, records: list[Record]) -> Parsed | ContentError:
    if not isinstance(records[-1], dict):
        return place.error("expected a mapping")
    try:
        if "correlation" in records[-1]:
            return Parsed(place, _correlation(records[-1], place))
        _bound_dashes(records, place)
        # pySigma takes its actions out of the mappings that it is given.
        given = copy.deepcopy(records) if len(records) > 1 else records
        parsed = SigmaCollection.from_dicts(given, collect_filters=True, resolve_references=False, policy=_policy())
    except ContentError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever a parser makes of a hostile rule, the others load
        return _located(place, records[-1], error)
    return Parsed(place, cast(SigmaRule | SigmaFilter, [*parsed.rules, *parsed.filters][-1]))


def _bound_dashes(records: list[Record], place: Place) -> None:
    for section in ("detection", "filter"):
        if sum(dash_values(record.get(section)) for record in records) > MAX_DASH_VALUES:
            raise place.error(f"windash makes more than {MAX_DASH_VALUES} values of those written", section)


_STAND_IN = {"type": "event_count", "rules": [], "timespan": "1m", "condition": {"gte": 1}}


def _correlation(record: Record, place: Place) -> Correlation:
    # What all rules say of themselves is pySigma's to read; the section itself is ours.
    shared = SigmaCorrelationRule.from_dict({**record, "correlation": _STAND_IN}, policy=_policy())
    return read_correlation(record, describe(shared, place), place)


_SECTIONS: tuple[tuple[type[Exception], tuple[str, ...]], ...] = (
    (sigma.exceptions.SigmaConditionError, ("detection", "condition")),
    (sigma.exceptions.SigmaLogsourceError, ("logsource",)),
    (sigma.exceptions.SigmaIdentifierError, ("id",)),
    (sigma.exceptions.SigmaLevelError, ("level",)),
    (sigma.exceptions.SigmaStatusError, ("status",)),
    (sigma.exceptions.SigmaTagError, ("tags",)),
    (sigma.exceptions.SigmaDateError, ("date",)),
)


def _located(place: Place, record: Record, error: Exception) -> ContentError:
    reason = str(error) if isinstance(error, sigma.exceptions.SigmaError) else f"{type(error).__name__}: {error}"
    reason = _clipped(" ".join(reason.split())) or type(error).__name__
    for kind, keys in _SECTIONS:
        if isinstance(error, kind):
            return place.error(reason, *keys)
    section = "filter" if "filter" in record else "detection"
    searches = record.get(section)
    if isinstance(searches, dict):
        for name, definition in searches.items():
            if name != "condition" and not _is_search(definition):
                return place.error(f"{name}: {reason}", section, str(name))
    return place.error(reason)


def _clipped(reason: str) -> str:
    """The reason without the middle of what it quotes, which may be as long as the rule."""
    return reason if len(reason) <= 2 * _LONGEST_PART else f"{reason[:_LONGEST_PART]} … {reason[-_LONGEST_PART:]}"


def _is_search(definition: Any) -> bool:
    try:
        SigmaDetection.from_definition(definition, policy=_policy())
    except Exception:  # noqa: BLE001 - the error itself was reported; this only finds its line
        return False
    return True


class _Engine(RegexEngine):
    """Takes the regular expressions of one rule that the kernel takes: lookaround and back-references included."""

    def __init__(self) -> None:
        self._compiled: dict[str, RegexPattern] = {}
        self._length = 0

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:  # noqa: ARG002 - the letters come with the rule
        if pattern not in self._compiled:
            compiled = cast(RegexPattern, compile_regex(pattern))
            self._length += unrolled_length(pattern)
            if self._length > MAX_REGEX:
                raise regex.error(f"the rule's regular expressions together are longer than {MAX_REGEX} characters")
            self._compiled[pattern] = compiled
        return self._compiled[pattern]

    @property
    def error(self) -> type[Exception]:
        return cast(type[Exception], regex.error)


def _policy() -> SigmaPolicy:
    return SigmaPolicy(regex_engine=_Engine())
