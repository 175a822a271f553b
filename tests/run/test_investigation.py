"""A whole investigation: logs of a simulated day in; cases, findings and packs out."""

import json
import re
import shutil
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from tests.conftest import Investigate, Investigation

from watchfloor.case import Assessment, Case
from watchfloor.event import EVENT_SCHEMA, Origin
from watchfloor.evidence import read_public_key, verify_pack
from watchfloor.finding import LEVELS
from watchfloor.learn import Label, append_label
from watchfloor.settings import DataFolder
from watchfloor.simulate import Summary
from watchfloor.store.cases import CaseStore
from watchfloor.store.lake import Lake
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.triage import Evidence, assess

SOURCES = {"okta_system_log", "m365_unified_audit", "aws_cloudtrail", "windows_event_log"}
HIGH = LEVELS.index("high")


@pytest.fixture(scope="module")
def truth(simulated: Summary) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in simulated.truth.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def again(
    investigating: Investigate,
    simulated: Summary,
    tmp_path_factory: pytest.TempPathFactory,
) -> Investigation:
    """The same day once more: files in another order, one of them cut in two and one of them given twice."""
    logs = tmp_path_factory.mktemp("reordered")
    okta, rest = logs / "system_log.ndjson", logs / "rest"
    lines = (simulated.logs / "okta" / "system_log.ndjson").read_bytes().splitlines(keepends=True)
    half = len(lines) // 2
    okta.write_bytes(b"".join(lines[half:]))
    (logs / "earlier.ndjson").write_bytes(b"".join(lines[:half]))
    shutil.copytree(simulated.logs, rest, ignore=shutil.ignore_patterns("okta"))
    return investigating(
        tmp_path_factory.mktemp("again"), okta, *sorted(rest.iterdir(), reverse=True), logs / "earlier.ndjson", okta
    )


def case_of(investigated: Investigation, campaign: list[dict[str, Any]]) -> Case:
    """The one case that names whom a campaign was aimed at."""
    person = campaign[0]["entities"][0]["id"]
    (case,) = [one for one in investigated.outcome.cases if person in {entity.id for entity in one.entities}]
    return case


def assessment_of(case: Case) -> Assessment:
    assert case.assessment is not None
    return case.assessment


def of_campaign(truth: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in truth if one["campaign"] == name]


def uids_of(truth: list[dict[str, Any]], events: dict[Origin, str], root: Path) -> list[set[str]]:
    places = [
        [Origin(str(root / one["path"]), one["line"], one.get("index")) for one in each["events"]] for each in truth
    ]
    return [{events[place] for place in each} for each in places]


@pytest.fixture(scope="module")
def events(investigated: Investigation) -> dict[Origin, str]:
    """Where each event was read, to its uid."""
    columns = ("metadata.uid", "origin.path", "origin.line", "origin.index")
    rows = [row for batch in Lake(investigated.folder.lake).in_order("default", columns) for row in batch.to_pylist()]
    return {Origin(row["origin.path"], row["origin.line"], row["origin.index"]): row["metadata.uid"] for row in rows}


def test_nothing_failed_and_nothing_was_lost(investigated: Investigation, simulated: Summary) -> None:
    outcome = investigated.outcome
    assert outcome.failures == ()
    assert outcome.dead_letters == ()
    assert outcome.observed.sources.total() == simulated.total
    assert set(outcome.observed.sources) == SOURCES
    assert sum(outcome.observed.hours.values()) == simulated.total
    assert investigated.folder.dead_letters.read_bytes() == b""


def test_the_attack_is_one_case_that_names_the_person_and_reaches_all_sources(
    investigated: Investigation, truth: list[dict[str, Any]]
) -> None:
    campaign = of_campaign(truth, "tidewater")
    case = case_of(investigated, campaign)
    person = campaign[0]["entities"][0]["id"].partition(":")[2]
    assert case is investigated.outcome.cases[0]
    assert {finding.source for finding in case.findings} == SOURCES
    assert person in case.title
    assert person in assessment_of(case).headline
    assert case.level == "critical"
    assert case.risk.value > 0.9
    assert {"initial-access", "persistence", "exfiltration", "impact"} <= set(case.tactics)


def test_each_step_of_the_attacks_is_seen_in_its_case(
    investigated: Investigation, simulated: Summary, truth: list[dict[str, Any]], events: dict[Origin, str]
) -> None:
    for name in ("tidewater", "driftnet"):
        campaign = of_campaign(truth, name)
        seen = {uid for finding in case_of(investigated, campaign).findings for uid in finding.event_uids}
        steps = uids_of(campaign, events, simulated.logs.parent)
        missed = [each["id"] for each, uids in zip(campaign, steps, strict=True) if not uids & seen]
        assert missed == []


def test_the_spray_is_a_case_of_its_own(investigated: Investigation, truth: list[dict[str, Any]]) -> None:
    spray, attack = (case_of(investigated, of_campaign(truth, name)) for name in ("driftnet", "tidewater"))
    assert spray.uid != attack.uid
    assert {finding.source for finding in spray.findings} == {"okta_system_log"}
    assert len(investigated.outcome.cases) == 2


def test_harmless_twins_make_no_grave_case(
    investigated: Investigation, simulated: Summary, truth: list[dict[str, Any]], events: dict[Origin, str]
) -> None:
    twins = [one for one in truth if one["kind"] == "twin"]
    assert len(twins) == 8
    grave = [case for case in investigated.outcome.cases if LEVELS.index(case.level) >= HIGH]
    cited = {uid for case in grave for finding in case.findings for uid in finding.event_uids}
    uids = uids_of(twins, events, simulated.logs.parent)
    assert [twin["id"] for twin, own in zip(twins, uids, strict=True) if own & cited] == []


def test_the_order_the_split_and_the_repetition_of_files_change_no_case(
    investigated: Investigation, again: Investigation
) -> None:
    assert again.outcome.failures == ()
    assert [_story(case) for case in again.cases] == [_story(case) for case in investigated.cases]
    uids = [finding["finding_info"]["uid"] for finding in again.findings]
    assert len(uids) == len(set(uids))
    assert uids == [finding["finding_info"]["uid"] for finding in investigated.findings]


def _story(case: dict[str, Any]) -> dict[str, Any]:
    """What of a case does not depend on where its events were read, nor on which of equal proofs came first."""
    own = case["unmapped"]
    return {
        "uid": case["metadata"]["uid"],
        "sentences": [
            (one["text"], sorted(one["cites"])) for one in own["sentences"] if "one account" not in one["text"]
        ],
        "proposals": own["proposals"],
        **{
            name: own[name] for name in ("title", "finding_uids", "entities", "tactics", "risk", "hypotheses", "checks")
        },
    }


def test_what_is_written_is_valid_by_ocsf_and_by_the_schemas_that_ship(investigated: Investigation) -> None:
    for name, written in (("case", investigated.cases), ("finding", investigated.findings)):
        schema = json.loads((resources.files("watchfloor") / "schemas" / f"{name}.schema.json").read_text())
        validator = jsonschema_rs.validator_for(schema)
        assert written
        for one in written:
            assert [error.message for error in validator.iter_errors(one)] == []
            assert ocsf_errors(one) == []


def test_files_store_and_result_hold_the_same(investigated: Investigation) -> None:
    outcome, folder = investigated
    assert [case["metadata"]["uid"] for case in investigated.cases] == [case.uid for case in outcome.cases]
    store = CaseStore(folder.database)
    assert [one.uid for one in store.all("default")] == [case.uid for case in outcome.cases]
    assert store.get("default", outcome.cases[0].uid) == outcome.cases[0]
    store.close()
    everything = [*(finding for case in outcome.cases for finding in case.findings), *outcome.loose]
    assert Counter(one["finding_info"]["uid"] for one in investigated.findings) == Counter(
        one.uid for one in everything
    )
    assert len({one.uid for one in everything}) == len(everything)


def test_every_sentence_is_proved_by_the_events_in_the_lake(investigated: Investigation) -> None:
    batches = Lake(investigated.folder.lake).in_order("default", EVENT_SCHEMA.names)
    events = {row["metadata.uid"]: row for batch in batches for row in batch.to_pylist()}
    for case in investigated.outcome.cases:
        assessment = assessment_of(case)
        assert assessment.rejected == ()
        assert len(assessment.sentences) > 3
        assert {uid for sentence in assessment.sentences for uid in sentence.cites} <= set(events)
        # Who is whom is known to the run; all else is told again, word by word, from what is in the lake.
        told = [one for one in assessment.sentences if not one.text.startswith("The events give one account")]
        assert list(assess(case, Evidence(events)).sentences) == told


def test_every_shown_number_unfolds(investigated: Investigation) -> None:
    for case in investigated.outcome.cases:
        assert sum(one.probability for one in assessment_of(case).hypotheses) == pytest.approx(1)
        assert all(term.words for term in case.risk.terms)


def test_proposals_are_decided_and_nothing_is_executed(investigated: Investigation) -> None:
    attack = investigated.outcome.cases[0]
    assert attack.proposals
    decisions = [step.decision for proposal in attack.proposals for step in proposal.steps]
    assert {decision.verdict for decision in decisions} <= {"permit", "needs-approval", "deny"}
    assert all(decision.policies and decision.reasons for decision in decisions)


def test_packs_verify_with_the_key_that_signed_them_and_no_other(
    investigated: Investigation, again: Investigation
) -> None:
    folder, other = investigated.folder, again.folder
    own, foreign = (read_public_key(one.path / "keys" / "evidence.pub") for one in (folder, other))
    assert sorted(investigated.outcome.packs) == sorted(case.uid for case in investigated.outcome.cases)
    for pack in investigated.outcome.packs.values():
        path = folder.packs / pack.file
        assert verify_pack(path, own).verified
        assert not verify_pack(path, foreign).verified
        unknown = verify_pack(path, None)
        assert unknown.intact
        assert (unknown.verified, unknown.exit_status) == (False, 1)
        assert any("signer unknown" in line for line in unknown.lines())


@pytest.fixture(scope="module")
def labelled(
    investigating: Investigate,
    simulated: Summary,
    investigated: Investigation,
    truth: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Investigation:
    """The Okta log, which holds all of the spray, where somebody called the spray's findings a test."""
    folder = DataFolder(tmp_path_factory.mktemp("labelled"))
    folder.prepare()
    for finding in case_of(investigated, of_campaign(truth, "driftnet")).findings:
        label = Label("false-positive", "alice", "2026-03-18T09:00:00Z", "our own test", uid=finding.uid)
        append_label(folder.labels, label)
    return investigating(folder.path, simulated.logs / "okta")


def test_what_people_said_changes_the_risk_of_the_next_run(
    investigated: Investigation, labelled: Investigation, truth: list[dict[str, Any]]
) -> None:
    spray = case_of(investigated, of_campaign(truth, "driftnet"))
    lowered = {case.uid: case for case in labelled.outcome.cases}[spray.uid]
    assert lowered.risk.value < spray.risk.value - 0.1
    assert [finding.uid for finding in lowered.findings] == [finding.uid for finding in spray.findings]
    assert len(labelled.folder.labels.read_bytes().splitlines()) == len(spray.findings)


def test_a_second_run_into_the_same_folder_gives_the_same_bytes(
    investigating: Investigate, simulated: Summary, labelled: Investigation
) -> None:
    folder = labelled.folder
    kept = (folder.cases, folder.findings, folder.records, folder.labels, folder.dead_letters)
    before = {path.name: path.read_bytes() for path in kept}
    packs = sorted(one.name for one in folder.packs.iterdir())
    assert before[folder.cases.name]
    assert before[folder.findings.name]
    again = investigating(folder.path, simulated.logs / "okta")
    assert {path.name: path.read_bytes() for path in kept} == before
    assert sorted(one.name for one in folder.packs.iterdir()) == packs
    assert again.outcome.cases == labelled.outcome.cases


def test_texts_of_a_case_are_single_lines(investigated: Investigation) -> None:
    for case in investigated.outcome.cases:
        assessment = assessment_of(case)
        for text in (case.title, assessment.headline, *assessment.checks, *case.why_together):
            assert not re.search(r"[\r\n\u2028]", text)
