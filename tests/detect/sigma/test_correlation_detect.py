"""Each type of correlation: raw records in, findings out, and misses by one event or one second."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from watchfloor.catalog import Folder
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.finding import Finding
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.run.correlated import run_correlations
from watchfloor.testing.detections import broken_laws
from watchfloor.testing.sources import raw_batch

Events = Sequence[dict[str, Any]]
NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)

OKTA = """
title: Failed login
name: failed
logsource: {product: okta, service: okta}
detection:
    s: {eventType: user.session.start, outcome.result: FAILURE}
    condition: s
---
title: Login
name: login
logsource: {product: okta, service: okta}
detection:
    s: {eventType: user.session.start, outcome.result: SUCCESS}
    condition: s
---
title: Factor reset
name: reset
logsource: {product: okta, service: okta}
detection:
    s: {eventType: user.mfa.factor.deactivate}
    condition: s
---
title: Object read
name: read
logsource: {product: aws, service: cloudtrail}
detection:
    s: {eventName: GetObject}
    condition: s
"""


def rule(section: str, name: str = "top", **attributes: str) -> str:
    more = "".join(f"{key}: {value}\n" for key, value in attributes.items())
    lines = "".join(f"    {line}\n" for line in section.strip().splitlines())
    return f"---\ntitle: The {name}\nname: {name}\nlevel: high\n{more}correlation:\n{lines}"


def _at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")[:-4] + "Z"


def okta(seconds: float, result: str = "FAILURE", *, user: str = "ann", ip: str = "203.0.113.7", **more: Any) -> Any:
    return {
        "uuid": more.pop("uid", f"{user}-{result}-{seconds}-{ip}"),
        "version": "0",
        "severity": "INFO",
        "published": _at(seconds),
        "eventType": more.pop("kind", "user.session.start"),
        "displayMessage": "User login to Okta",
        "actor": {"id": f"00u{user}", "type": "User", "alternateId": f"{user}@example.com", "displayName": user},
        "client": {"ipAddress": ip},
        "outcome": {"result": result},
        **more,
    }


def aws(seconds: float, size: float | str | None, *, user: str = "ann", ip: str = "203.0.113.7") -> Any:
    return {
        "eventVersion": "1.09",
        "eventID": f"read-{user}-{seconds}",
        "eventTime": _at(seconds)[:19] + "Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "eventType": "AwsApiCall",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": ip,
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "userName": user, "arn": f"arn:aws:iam::111122223333:user/{user}"},
        "additionalEventData": {} if size is None else {"bytesTransferredOut": size},
        "requestParameters": {"bucketName": "exports"},
    }


class Bed:
    """Raw records in, findings of the rules beside :data:`OKTA` out."""

    def __init__(self, folder: Path, sources: tuple[Source, ...]) -> None:
        self._folder = folder
        self._sources = sources

    def findings(self, rules: str, events: Events) -> list[Finding]:
        path = self._folder / "rules.yml"
        path.write_text(OKTA + rules)
        ruleset = load_rules([path])
        assert not ruleset.errors
        detector = SigmaDetector(ruleset)
        raw = raw_batch([orjson.dumps(one) for one in events])
        normalized = Normalizer(self._sources, detector.plan).process(raw)
        assert not normalized.dead_letters
        detected = detector.process(normalized.events)
        return [
            *detected.findings,
            *run_correlations(detector.correlations, [detected.matches], silent=detector.silent),
        ]

    def numbers(self, rules: str, events: Events) -> list[list[int]]:
        """For each finding, which of the events contribute, by their line."""
        return [[place.line for place in one.origins] for one in self.findings(rules, events)]


@pytest.fixture(scope="module")
def sources() -> tuple[Source, ...]:
    return load_sources()[0]


@pytest.fixture
def bed(tmp_path: Path, sources: tuple[Source, ...]) -> Bed:
    return Bed(tmp_path, sources)


MANY = rule("type: event_count\nrules: failed\ngroup-by: actor.alternateId\ntimespan: 10m\ncondition: {gte: 3}")


def test_many_events_of_one_group(bed: Bed) -> None:
    three = [okta(0), okta(300), okta(600)]
    assert bed.numbers(MANY, three) == [[1, 2, 3]]
    assert bed.numbers(MANY, three[:2]) == []
    assert bed.numbers(MANY, [*three[:2], okta(601)]) == []
    assert bed.numbers(MANY, [*three[:2], okta(600, user="bob")]) == []


def test_what_a_finding_says(bed: Bed) -> None:
    (found,) = bed.findings(MANY, [okta(0), okta(60), okta(120), okta(60, user="bob")])
    assert (found.rule.title, found.rule.level, found.source) == ("The top", "high", "okta_system_log")
    assert found.summary == 'The top: 3 events within 10 minutes for actor.alternateId "ann@example.com" (at least 3).'
    assert [(term.name, term.value) for term in found.terms] == [("event_count", 3), ("events", 3), ("threshold", 3)]
    start = int(NOON.timestamp() * 1000)
    assert (found.start, found.end) == (start, start + 120_000)


def test_one_loud_account_mutes_no_other(bed: Bed) -> None:
    loud = [okta(second) for second in range(200)]
    quiet = [okta(second, user="bob") for second in (10, 20, 30)]
    assert [len(one.event_uids) for one in bed.findings(MANY, [*loud, *quiet])] == [200, 3]


def test_a_burst_is_one_finding_and_the_next_burst_another(bed: Bed) -> None:
    first = [okta(second) for second in (0, 60, 120, 300)]
    assert bed.numbers(MANY, [*first, okta(900), okta(1480), okta(1500)]) == [[1, 2, 3, 4], [5, 6, 7]]
    joined = [*first, okta(890), okta(900)]
    assert bed.numbers(MANY, joined) == [[1, 2, 3, 4, 5, 6]], "the window of the last holds, and overlaps"


def test_the_order_of_the_lines_does_not_matter_and_a_copy_counts_once(bed: Bed) -> None:
    assert bed.numbers(MANY, [okta(600), okta(0), okta(300), okta(0)]) == [[2, 3, 1]]
    assert bed.numbers(MANY, [okta(0), okta(300), okta(0)]) == []


def test_an_event_without_the_field_is_in_no_group(bed: Bed) -> None:
    nobody: dict[str, Any] = {"actor": {"id": "00u", "type": "User", "alternateId": None, "displayName": "x"}}
    assert bed.numbers(MANY, [okta(second, **nobody) for second in (0, 1, 2)]) == []
    everybody = MANY.replace("    group-by: actor.alternateId\n", "")
    assert bed.numbers(everybody, [okta(0), okta(1, user="bob"), okta(2, **nobody)]) == [[1, 2, 3]]


def test_groups_of_two_fields_are_their_pairs(bed: Bed) -> None:
    pairs = MANY.replace("group-by: actor.alternateId", "group-by: [actor.alternateId, client.ipAddress]")
    assert bed.numbers(pairs, [okta(0), okta(1), okta(2, ip="203.0.113.8")]) == []
    assert bed.numbers(pairs, [okta(0), okta(1), okta(2)]) == [[1, 2, 3]]


def test_different_values(bed: Bed) -> None:
    spray = rule(
        "type: value_count\nrules: failed\ngroup-by: client.ipAddress\ntimespan: 1h\n"
        "condition: {field: actor.alternateId, gte: 3}"
    )
    three = [okta(0, user="ann"), okta(1, user="bob"), okta(3600, user="eve")]
    assert bed.numbers(spray, three) == [[1, 2, 3]]
    assert bed.numbers(spray, [*three[:2], okta(3601, user="eve")]) == []
    assert bed.numbers(spray, [*three[:2], okta(2, user="bob")]) == []
    (found,) = bed.findings(spray, three)
    assert "3 different values of actor.alternateId within" in found.summary


SUM = rule(
    "type: value_sum\nrules: read\ngroup-by: userIdentity.arn\ntimespan: 1h\n"
    "condition: {field: additionalEventData.bytesTransferredOut, gt: 1000}"
)


def test_a_sum(bed: Bed) -> None:
    assert bed.numbers(SUM, [aws(0, 600), aws(3600, 401), aws(10, None), aws(10, "much", user="bob")]) == [[1, 2]]
    assert bed.numbers(SUM, [aws(0, 600), aws(3600, 400)]) == []
    assert bed.numbers(SUM, [aws(0, 600), aws(3601, 401)]) == []
    assert bed.numbers(SUM, [aws(0, 600), aws(3600, 401, user="bob")]) == []
    (found,) = bed.findings(SUM, [aws(0, 600), aws(10, 401.5)])
    assert found.terms[0].value == 1001.5


@pytest.mark.parametrize(
    ("kind", "more", "hit", "miss"),
    [
        ("value_avg", "", (100, 200, 301), (100, 200, 300)),
        ("value_median", "", (1, 201, 900), (1, 200, 900)),
        ("value_percentile", "percentile: 75, ", (0, 201, 201), (0, 199, 201)),
    ],
)
def test_what_values_are_like_once_the_window_has_closed(
    bed: Bed, kind: str, more: str, hit: tuple[int, ...], miss: tuple[int, ...]
) -> None:
    text = SUM.replace("value_sum", kind).replace("gt: 1000", f"{more}gt: 200")
    assert bed.numbers(text, [aws(second, size) for second, size in zip((0, 10, 3600), hit, strict=True)]) == [
        [1, 2, 3]
    ]
    assert bed.numbers(text, [aws(second, size) for second, size in zip((0, 10, 3600), miss, strict=True)]) == []


def test_few_events_are_told_when_the_window_closes(bed: Bed) -> None:
    few = MANY.replace("gte: 3", "lte: 2")
    assert bed.numbers(few, [okta(0), okta(600)]) == [[1, 2]]
    assert bed.numbers(few, [okta(0), okta(300), okta(600)]) == []
    assert bed.numbers(few, [okta(0), okta(300), okta(601)]) == [[1, 2], [3]]
    exact = MANY.replace("gte: 3", "eq: 2")
    assert bed.numbers(exact, [okta(0), okta(600), okta(601)]) == [[1, 2]]
    some = MANY.replace("gte: 3", "gt: 1, lte: 3")
    assert bed.numbers(some, [okta(0)]) == []
    assert bed.numbers(some, [okta(second) for second in range(3)]) == [[1, 2, 3]]
    assert bed.numbers(some, [okta(second) for second in range(4)]) == []


BOTH = rule("type: temporal\nrules: [login, reset]\ngroup-by: [actor.alternateId]\ntimespan: 5m")


def _reset(seconds: float, **more: Any) -> Any:
    return okta(seconds, "SUCCESS", kind="user.mfa.factor.deactivate", uid=f"reset-{seconds}", **more)


def test_all_rules_in_any_order(bed: Bed) -> None:
    assert bed.numbers(BOTH, [okta(300, "SUCCESS"), _reset(0)]) == [[2, 1]]
    assert bed.numbers(BOTH, [okta(301, "SUCCESS"), _reset(0)]) == []
    assert bed.numbers(BOTH, [okta(0, "SUCCESS"), okta(1, "SUCCESS")]) == []
    assert bed.numbers(BOTH, [okta(300, "SUCCESS"), _reset(0, user="bob")]) == []
    one = BOTH.replace("timespan: 5m", "timespan: 5m\n    condition: {gte: 1}")
    assert bed.numbers(one, [okta(0, "SUCCESS")]) == [[1]]


def test_all_rules_in_their_order(bed: Bed) -> None:
    ordered = BOTH.replace("temporal", "temporal_ordered")
    assert bed.numbers(ordered, [okta(0, "SUCCESS"), _reset(300)]) == [[1, 2]]
    assert bed.numbers(ordered, [okta(0, "SUCCESS"), _reset(301)]) == []
    assert bed.numbers(ordered, [_reset(0), okta(1, "SUCCESS")]) == []
    assert bed.numbers(ordered, [_reset(0), okta(0, "SUCCESS")]) != [], "what happens in one moment is in order"


def test_one_rule_without_the_other(bed: Bed) -> None:
    alone = BOTH.replace("timespan: 5m", "timespan: 5m\n    condition: reset and not login")
    assert bed.numbers(alone, [_reset(0), okta(301, "SUCCESS")]) == [[1]]
    assert bed.numbers(alone, [_reset(0), okta(300, "SUCCESS")]) == []
    assert bed.numbers(alone, [_reset(0), okta(300, "SUCCESS", user="bob")]) == [[1]]
    assert bed.numbers(alone, [okta(0, "SUCCESS")]) == []


GUESSED = MANY.replace("top", "many") + rule(
    "type: temporal_ordered\nrules: [many, login]\ngroup-by: actor.alternateId\ntimespan: 10m"
)


def test_a_correlation_of_a_correlation(bed: Bed) -> None:
    failed = [okta(0), okta(60), okta(120)]
    assert bed.numbers(GUESSED, [*failed, okta(720, "SUCCESS")]) == [[1, 2, 3, 4]]
    assert bed.numbers(GUESSED, [*failed, okta(721, "SUCCESS")]) == []
    assert bed.numbers(GUESSED, [*failed[:2], okta(180, "SUCCESS")]) == []
    assert bed.numbers(GUESSED, [*failed[:2], okta(100, "SUCCESS"), failed[2]]) == [], "the third failure is too late"
    assert bed.numbers(GUESSED, [*failed, okta(180, "SUCCESS", user="bob")]) == []


def test_a_correlation_regroups_the_events_of_the_one_it_refers_to(bed: Bed) -> None:
    spray = rule(
        "type: value_count\nrules: failed\ngroup-by: client.ipAddress\ntimespan: 10m\n"
        "condition: {field: actor.alternateId, gte: 3}",
        "many",
    )
    then = rule("type: temporal_ordered\nrules: [many, login]\ngroup-by: actor.alternateId\ntimespan: 10m")
    sprayed = [okta(second, user=user) for second, user in enumerate(("ann", "bob", "eve"))]
    assert bed.numbers(spray + then, [*sprayed, okta(9, "SUCCESS", user="bob", ip="203.0.113.99")]) == [[2, 4]]
    assert bed.numbers(spray + then, [*sprayed, okta(9, "SUCCESS", user="kim")]) == []


def test_aliases_name_one_thing_that_two_sources_call_differently(bed: Bed) -> None:
    text = rule(
        "type: temporal_ordered\nrules: [login, read]\ngroup-by: [from]\ntimespan: 1h\n"
        "aliases:\n    from:\n        login: client.ipAddress\n        read: sourceIPAddress"
    )
    assert bed.numbers(text, [okta(0, "SUCCESS"), aws(60, 1)]) == [[1, 2]]
    assert bed.numbers(text, [okta(0, "SUCCESS"), aws(60, 1, ip="203.0.113.8")]) == []


def test_hostile_values_group_and_are_shown(bed: Bed) -> None:
    name = '\u202e</script>"' + "x" * 10_000
    actor: dict[str, Any] = {"actor": {"id": "00u", "type": "User", "alternateId": name, "displayName": "x"}}
    (found,) = bed.findings(MANY, [okta(second, **actor) for second in (0, 1, 2)])
    assert "\u202e" not in found.summary
    assert len(found.summary) < 500


def test_a_detection_folder_may_hold_a_correlation(tmp_path: Path) -> None:
    folder = tmp_path / "many_failed_logins"
    (folder / "cases").mkdir(parents=True)
    about = "id: 5f0b5c1e-0000-4000-8000-0000000000ee\ndescription: Guessing.\nuse_case: guessing\nrunbook: Call.\n"
    tags = "falsepositives: [A forgotten password.]\ntags: [attack.credential-access, attack.t1110]\n"
    (folder / "detection.yml").write_text(f"{OKTA}{MANY}{about}{tags}")
    (folder / "cases" / "three.hit.ndjson").write_bytes(b"\n".join(orjson.dumps(okta(at)) for at in (0, 1, 2)))
    (folder / "cases" / "two.miss.ndjson").write_bytes(b"\n".join(orjson.dumps(okta(at)) for at in (0, 1)))
    assert broken_laws([Folder("many_failed_logins", folder)]) == {}
    (folder / "cases" / "wrong.miss.ndjson").write_bytes(b"\n".join(orjson.dumps(okta(at)) for at in (0, 1, 2)))
    assert "wrong.miss.ndjson" in broken_laws([Folder("many_failed_logins", folder)])["many_failed_logins"]
