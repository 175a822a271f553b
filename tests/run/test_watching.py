"""What changes on disk while a platform runs is taken over whole between two batches, or not at all."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from tests.enrich.test_stix import indicator
from tests.run.live_run import NOW, Run, running, sign_in, until

from watchfloor.catalog import BUILT_IN
from watchfloor.cli.quality import page_of
from watchfloor.cli.rules_suppressing import standing_suppressions
from watchfloor.clock import system_clock
from watchfloor.detect.noise import load_filters
from watchfloor.enrich.stix import read_objects
from watchfloor.errors import StoreError
from watchfloor.identity import Person, Term
from watchfloor.ingest.http.tokens import Tokens
from watchfloor.rulecraft.suppression import hiding
from watchfloor.run.content import load_content
from watchfloor.run.noticing import state_of
from watchfloor.run.quality import Quality
from watchfloor.run.watching import Loaded, Loading, Watch
from watchfloor.settings import DataFolder, Settings
from watchfloor.store.identities import IdentityStore
from watchfloor.store.indicators import IndicatorStore
from watchfloor.store.quality import QualityStore

pytestmark = pytest.mark.slow

RULE = """
title: {title}
id: 6a1c0000-0000-4000-8000-00000000{number:04}
logsource: {{product: okta, service: okta}}
detection:
    selection: {{eventtype: user.session.start, actor.displayName: {who}}}
    condition: selection
level: medium
"""
FILTER = """
title: Sign-ins of a probe
id: 6a1c0000-0000-4000-8000-000000009001
owner: soc@example.com
reason: A probe signs in every second.
keep_one_in: 1000000
logsource: {product: okta, service: okta}
detection:
    selection: {actor.displayName: probe}
    condition: selection
"""
SUPPRESSION = f"""
suppressions:
  - id: alice-signs-in
    rule: 6a1c0000-0000-4000-8000-000000000001
    owner: soc@example.com
    reason: Alice signs in for a test.
    expires: 2099-12-31
    scope:
      entities: ["user:alice@example.com"]
    test:
      hides: {orjson.loads(sign_in(1, id="00u1", alternateId="alice@example.com"))}
      keeps: {orjson.loads(sign_in(1, id="00u2", alternateId="bob@example.com"))}
"""


class Served(NamedTuple):
    run: Run
    said: list[str]
    content: Path
    rules: Path
    inventory: Path

    def found(self) -> set[tuple[str, str]]:
        """The rules and events of what was found."""
        stream = self.run.findings.after(0)
        return {(one.finding.rule.title, one.finding.event_uids[0].rpartition("-")[2]) for one in stream}

    def taken(self, times: int) -> None:
        until(lambda: self.run.live.worked.taken_over >= times)

    def rule(self, number: int, who: str) -> None:
        text = RULE.format(title=f"Rule {number}", number=number, who=who)
        (self.rules / f"rule{number}.yml").write_text(text)


@pytest.fixture(params=[0, 1])
def workers(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@contextmanager
def served(tmp_path: Path, workers: int = 0) -> Iterator[Served]:
    user, rules, inventory = tmp_path / "content", tmp_path / "rules", tmp_path / "inventory.csv"
    (user / "sources").mkdir(parents=True)
    (user / "filters").mkdir()
    shutil.copytree(BUILT_IN / "sources" / "okta_system_log", user / "sources" / "okta_system_log")
    rules.mkdir()
    (rules / "rule1.yml").write_text(RULE.format(title="Rule 1", number=1, who="A"))
    (rules / "broken-from-the-start.yml").write_text("title: no rule\ndetection: 3\n")
    inventory.write_text("id,criticality\nuser:alice@example.com,high\n")
    paths = (user, rules, inventory)

    def load() -> Loaded:
        content = load_content(rules=[rules], user=[user], inventory=inventory)
        filters, errors = load_filters([user])
        standing, wrong = standing_suppressions([], [user], content)
        hides = hiding(standing, system_clock) if standing else None
        return Loaded(content, filters, hides, (*content.errors, *errors, *wrong))

    state, loaded = state_of(paths), load()
    said: list[str] = []
    data = DataFolder(tmp_path / "data")
    data.prepare()
    settings = Settings(data.path, workers=workers)
    watch = Watch(data, settings, loaded=loaded, loading=Loading(load, paths, state), say=said.append, seconds=0.1)
    with running(data.path, loaded.content, workers=workers) as run:
        watch.start(run.live)
        try:
            yield Served(run, said, user, rules, inventory)
        finally:
            watch.close()


def quality(served: Served) -> list[str]:
    return Quality.kept(QualityStore(served.run.folder.quality)).refused


def test_a_rule_that_comes_is_matched_and_one_that_goes_is_not(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, workers) as one:
        one.run.send(sign_in(1, id="00u1"))
        one.rule(2, "A")
        one.taken(1)
        one.run.send(sign_in(2, id="00u1"))
        (one.rules / "rule1.yml").unlink()
        one.taken(2)
        one.run.send(sign_in(3, id="00u1"))
        assert one.found() == {("Rule 1", "1"), ("Rule 1", "2"), ("Rule 2", "2"), ("Rule 2", "3")}
        assert len(one.run.rows()) == 3
        assert one.run.live.worked.events == 3


def test_what_is_broken_is_told_once_with_its_line_and_all_that_was_before_stays(tmp_path: Path) -> None:
    with served(tmp_path) as one:
        one.rule(2, "A")
        broken = one.rules / "rule3.yml"
        broken.write_text("title: Rule 3\nid: x\ndetection:\n  selection: {a: [}\n")
        until(lambda: bool(one.said))
        one.run.send(sign_in(1, id="00u1"))
        assert one.found() == {("Rule 1", "1")}
        until(lambda: bool(quality(one)))
        (reason,) = quality(one)
        assert reason.startswith(f"{broken}:4: ")
        assert one.said == [f"not taken over, what was before stays: {reason}"]
        assert f"{broken}:4: " in page_of(one.run.folder, system_clock)
        time.sleep(0.5)
        assert len(one.said) == 1
        broken.unlink()
        one.taken(1)
        until(lambda: not quality(one))
        one.run.send(sign_in(2, id="00u1"))
        assert one.found() == {("Rule 1", "1"), ("Rule 1", "2"), ("Rule 2", "2")}


def test_a_source_is_taken_over_or_told(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, workers) as one:
        place = one.content / "sources" / "okta_system_log" / "source.yml"
        good = place.read_text()
        place.write_text(good.replace("title:", "titel:", 1))
        until(lambda: bool(one.run.live.quality.refused))
        one.run.send(sign_in(1, id="00u1", alternateId="alice@example.com"))
        assert one.run.rows()["1"]["entity.actor"] == "user:alice@example.com"
        assert str(place) in one.said[0]
        shutil.copytree(place.parent, one.content / "sources" / "okta_copy")
        place.write_text(good)
        (one.content / "sources" / "okta_copy" / "source.yml").write_text(good)
        one.taken(1)
        one.run.send(sign_in(2, id="00u1"), source="okta_copy")
        until(lambda: one.run.live.worked.by_source["okta_copy"] == 1)


def test_the_inventory_and_filters_are_taken_over(tmp_path: Path) -> None:
    with served(tmp_path) as one:
        probe = partial(sign_in, kind="application.integration.rate_limit_exceeded", id="p", displayName="probe")
        one.run.send(sign_in(1, id="00u1", alternateId="alice@example.com"), probe(2))
        one.inventory.write_text("id,criticality\nuser:alice@example.com,critical\n")
        one.taken(1)
        (tmp_path / "probe").mkdir()
        (tmp_path / "probe" / "filter.yml").write_text(FILTER)
        (tmp_path / "probe").rename(one.content / "filters" / "probe")
        one.taken(2)
        one.run.send(sign_in(3, id="00u1", alternateId="alice@example.com"), probe(4))
        rows = one.run.rows()
        assert sorted(rows) == ["1", "2", "3"]
        assert [rows[n]["tags"][0] for n in ("1", "3")] == ["actor.criticality=high", "actor.criticality=critical"]
        assert one.run.live.worked.filtered == {"probe": 1}


def test_suppressions_are_taken_over_and_what_they_hide_is_kept(tmp_path: Path) -> None:
    with served(tmp_path) as one:
        one.run.send(sign_in(1, id="00u1", alternateId="alice@example.com"))
        file = one.content / "suppressions.yml"
        file.write_text(SUPPRESSION)
        one.taken(1)
        one.run.send(sign_in(2, id="00u1", alternateId="alice@example.com"), sign_in(3, id="00u2"))
        assert one.found() == {("Rule 1", "1"), ("Rule 1", "3")}
        ((name, hidden),) = one.run.findings.suppressed("default")
        assert (name, hidden.finding.event_uids) == ("alice-signs-in", ("okta_system_log:uid-2",))
        assert one.run.live.worked.suppressed == {"alice-signs-in": 1}
        file.write_text(SUPPRESSION.replace("2099-12-31", "2026-01-01"))
        one.taken(2)
        one.run.send(sign_in(4, id="00u1", alternateId="alice@example.com"))
        assert ("Rule 1", "4") in one.found()
        file.write_text(SUPPRESSION.replace("owner:", "owned:"))
        until(lambda: bool(one.run.live.quality.refused))
        assert str(file) in one.run.live.quality.refused[0]


def test_what_other_processes_import_is_taken_over(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, workers) as one:
        one.run.send(sign_in(1, id="00u7"))
        store = IdentityStore(one.run.folder.database)
        person = Person("7", terms=(Term("user:okta:00u7"), Term("user:bob@example.com")))
        store.import_directory("default", "people", [person], at=NOW)
        one.taken(1)
        one.run.send(sign_in(2, id="00u7"))
        assert one.run.rows()["2"]["entity.actor"] == "user:bob@example.com"
        store.close()
        known = read_objects(
            [indicator(1, "[ipv4-addr:value = '192.0.2.7']", valid_from="2020-01-01T00:00:00Z")], feed="f"
        )
        indicators = IndicatorStore(one.run.folder.database)
        indicators.add("default", "f", known.indicators, at=NOW)
        indicators.close()
        one.taken(2)
        one.run.send(sign_in(3, id="00u7"))
        assert any("3" in found for found in one.found() if found[0] == "Known indicator of an attack")
        assert not any("2" in found for found in one.found() if found[0] == "Known indicator of an attack")


def test_content_that_cannot_start_is_refused(tmp_path: Path) -> None:
    """What loads here and fails in a process that works with it does not stop the others."""
    with served(tmp_path, 1) as one:
        one.run.send(sign_in(1, id="00u1"))
        decode = one.content / "sources" / "okta_system_log" / "decode.py"
        decode.write_text(
            "import multiprocessing\n"
            "if multiprocessing.parent_process() is not None:\n"
            "    raise RuntimeError('only in a worker')\n"
            "def decode(record):\n    return record\n"
        )
        until(lambda: bool(one.run.live.quality.refused))
        one.run.send(sign_in(2, id="00u1"))
        assert one.run.live.quality.refused == ["content: no process can work with it"]
        assert one.run.live.worked.dead_letters == 0
        assert len(one.run.rows()) == 2


def test_tokens_that_cannot_be_read_leave_those_before(tmp_path: Path) -> None:
    with served(tmp_path) as one:
        place = one.run.folder.tokens
        tokens = Tokens(place)
        text = tokens.create("one", tenant="default", source=None, now="")
        assert tokens.find(text)
        place.write_text('[{"name": ')
        assert tokens.find(text)
        until(lambda: bool(one.said))
        assert one.said == [
            f"not taken over, what was before stays: {place}: not a file of tokens: Input data was truncated"
        ]
        with pytest.raises(StoreError):
            Tokens(place).find(text)
        place.unlink()
        assert tokens.find(text) is None
        until(lambda: not one.run.live.quality.refused)


def test_a_state_tells_each_change(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    (folder / "below").mkdir(parents=True)
    file = folder / "below" / "rule.yml"
    file.write_text("one")
    states = [state_of([folder])]

    def changed(change: Callable[[], object]) -> bool:
        change()
        states.append(state_of([folder]))
        return states[-1] not in states[:-1]

    assert changed(lambda: file.write_text("two"))
    assert changed(lambda: file.rename(folder / "rule.yml"))
    assert changed(lambda: (folder / "link").symlink_to(tmp_path / "elsewhere"))
    assert changed(lambda: (tmp_path / "elsewhere").write_text("named by a link"))
    assert changed((folder / "rule.yml").unlink)
    (folder / "round").symlink_to(folder)
    states.append(state_of([folder]))
    (folder / "__pycache__").mkdir()
    (folder / ".rule.yml.swp").write_text("hidden")
    assert state_of([folder]) == states[-1]
    shutil.rmtree(folder)
    assert state_of([folder]) not in states
