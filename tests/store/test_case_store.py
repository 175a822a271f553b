"""The case store: cases in, the same cases out, by tenant, by uid or its beginning."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from watchfloor.case import (
    Assessment,
    Case,
    Decision,
    Hypothesis,
    Link,
    Proposal,
    Rejection,
    Risk,
    Sentence,
    Step,
    TimelineEntry,
)
from watchfloor.errors import InputError, StoreError
from watchfloor.event import Entity, Origin
from watchfloor.finding import Finding, Rule, Term
from watchfloor.store.cases import CaseStore

HOSTILE = "“\u202e\0<script>'; DROP TABLE cases; --" + "x" * 10_000


def case(uid: str, *, tenant: str = "default", risk: float = 0.5) -> Case:
    rule = Rule("r", HOSTILE, "high", tactics=("impact",), false_positives=("x",), decisive=True)
    finding = Finding(
        uid=f"f-{uid}",
        tenant=tenant,
        rule=rule,
        start=1,
        end=2,
        event_uids=("e",),
        origins=(Origin("a", 1, 2),),
        entities=(Entity("user", "user:a", "a"),),
        p_value=0.01,
    )
    step = Step("s", "a", "t", Decision("deny", ("p",)))
    return Case(
        uid=uid,
        tenant=tenant,
        title=HOSTILE,
        level="high",
        start=1,
        end=2,
        findings=(finding,),
        entities=finding.entities,
        tactics=("impact",),
        risk=Risk(risk, (Term("prior", -4.0, "Before."),)),
        timeline=(TimelineEntry(1, 2, "t", "high", None, ("f",), ("e",)),),
        links=(Link("a", "b", "used"),),
        assessment=Assessment(
            "h",
            (Sentence("s", ("e",)),),
            (Hypothesis("h", 1.0, "w"),),
            ("c",),
            rejected=(Rejection("r", ("e",), ("why",)),),
        ),
        proposals=(Proposal("p", "P", "t", "w", (step,)),),
    )


@pytest.fixture
def store(tmp_path: Path) -> CaseStore:
    return CaseStore(tmp_path / "watchfloor.db")


def test_a_case_comes_back_as_it_was(store: CaseStore) -> None:
    whole = case("c1")
    store.replace("default", [whole])
    assert store.get("default", "c1") == whole
    assert store.all("default") == [whole]


def test_cases_come_by_falling_risk(store: CaseStore) -> None:
    store.replace("default", [case("b", risk=0.5), case("c", risk=0.9), case("a", risk=0.5)])
    assert [one.uid for one in store.all("default")] == ["c", "a", "b"]


def test_replacing_replaces_the_cases_of_one_tenant(store: CaseStore) -> None:
    store.replace("red", [case("c1", tenant="red")])
    store.replace("blue", [case("c1", tenant="blue"), case("c2", tenant="blue")])
    store.replace("blue", [case("c3", tenant="blue")])
    assert [one.uid for one in store.all("red")] == ["c1"]
    assert [one.uid for one in store.all("blue")] == ["c3"]
    store.replace("blue", [])
    assert store.all("blue") == []
    with pytest.raises(InputError, match="no case"):
        store.get("blue", "c1")


def test_a_failed_replacement_changes_nothing(store: CaseStore) -> None:
    store.replace("default", [case("c1")])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.replace("default", [case("c2"), case("c2")])
    assert [one.uid for one in store.all("default")] == ["c1"]


def test_a_uid_is_found_by_its_beginning_if_that_is_one(store: CaseStore) -> None:
    store.replace("default", [case("abc1"), case("abd2"), case("ab"), case("x_y"), case("x%y")])
    assert store.get("default", "abc").uid == "abc1"
    assert store.get("default", "ab").uid == "ab"
    assert store.get("default", "x_").uid == "x_y"
    assert store.get("default", "x%").uid == "x%y"
    for several in ("a", "x", ""):
        with pytest.raises(InputError, match="more than one case"):
            store.get("default", several)
    for none in ("abcd", "%", "_", "'; DROP TABLE cases; --", HOSTILE):
        with pytest.raises(InputError, match="no case"):
            store.get("default", none)


@pytest.mark.parametrize("name", ["a b", "a?b=c", "a#b", "p%20q", "é☃", "it's", "a:b@c"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    path = tmp_path / name / "watchfloor.db"
    first = CaseStore(path)
    first.replace("default", [case("c1")])
    first.close()
    assert path.stat().st_size > 0
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert CaseStore(path).get("default", "c1").uid == "c1"


def test_a_database_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    for path in (tmp_path / "nowhere" / "x.db", tmp_path, tmp_path / "text.db"):
        with pytest.raises(StoreError) as caught:
            CaseStore(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_a_database_that_was_spoilt_is_one_line(store: CaseStore, tmp_path: Path) -> None:
    store.replace("default", [case("c1")])
    for statement in ("UPDATE cases SET body = '{'", "UPDATE cases SET body = '{}'", "DROP TABLE cases"):
        with sqlite3.connect(tmp_path / "watchfloor.db") as connection:
            connection.execute(statement)
        connection.close()
        readings: list[Callable[[], object]] = [lambda: store.all("default"), lambda: store.get("default", "c1")]
        for reading in readings:
            with pytest.raises(StoreError) as caught:
                reading()
            assert str(caught.value).startswith(f"{tmp_path / 'watchfloor.db'}: ")
            assert "\n" not in str(caught.value)
