"""Rules over raw records, with little work: only records that a rule is true of are normalized whole."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.normalize import Normalizer


class Matched(msgspec.Struct):
    """The events of a batch that rules are true of, for each the numbers of those rules, and what did not become one.

    Of a record that no rule is true of there is a dead letter only if it could not be decoded.
    """

    events: pa.RecordBatch
    rules: Sequence[Sequence[int]]
    dead_letters: list[DeadLetter]


def matched(
    raw: pa.RecordBatch, normalizer: Normalizer, detector: SigmaDetector, *, identities: bool = False
) -> Matched:
    """What rules are true of in a raw batch; ``normalizer`` has the plan of the detector.

    For who wants ``identities`` alone, events need no columns but those of :data:`watchfloor.event.IDENTITY`.
    """
    if not detector.is_native:
        normalized = normalizer.process(raw)
        matches = detector.match(normalized.events)
        events = normalized.events.take(pa.array(list(matches), pa.int64()))
        return Matched(events, list(matches.values()), normalized.dead_letters)
    decoded = normalizer.decode(raw)
    matches = detector.match(decoded.natives)
    write = normalizer.identify if identities else normalizer.map
    kept, normalized = write(decoded, sorted(matches, key=decoded.rows.__getitem__))
    letters = [*decoded.refused, *normalized.dead_letters]
    return Matched(normalized.events, [matches[place] for place in kept], letters)
