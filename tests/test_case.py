"""What all stages share of a case: the order in which cases are read, one and the same wherever they stand."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from watchfloor.case import Case, Risk, first_to_read
from watchfloor.console.model import ReportModel, Run
from watchfloor.correlate import correlate
from watchfloor.event import entity_of
from watchfloor.finding import LEVELS, Finding, Rule, Term
from watchfloor.store.cases import CaseStore

CASE = Case(
    uid="c",
    tenant="default",
    title="t",
    level="high",
    start=0,
    end=0,
    findings=(),
    entities=(),
    tactics=(),
    risk=Risk(0.5),
)
RUN = Run(paths=(), events=0, sources=(), findings=0, rules=0, written_at=0, seconds=0)


def finding(uid: str, who: str, *, decisive: bool = False, start: int = 0) -> Finding:
    rule = Rule(uid, uid, "critical", tactics=("impact",), decisive=decisive)
    entities = (entity_of(f"user:{who}@example.com"),)
    return Finding(
        uid=uid, tenant="default", rule=rule, start=start, end=start, event_uids=(uid,), entities=entities, source="s"
    )


def test_cases_that_share_a_capped_risk_are_told_apart_by_their_terms_everywhere(tmp_path: Path) -> None:
    strong = [finding(f"b{number}", "bob", decisive=True, start=9) for number in range(6)]
    weak = [finding(f"a{number}", "alice", decisive=True) for number in range(4)]
    cases = correlate([*weak, *strong, finding("c", "carol")]).cases
    assert [case.risk.value for case in cases[:2]] == [0.99, 0.99]
    order = ["bob@example.com", "alice@example.com", "carol@example.com"]
    store = CaseStore(tmp_path / "watchfloor.db")
    store.replace("default", cases[::-1])
    for some in (cases, store.all("default"), ReportModel(run=RUN, cases=cases[::-1]).ranked):
        assert [case.entities[0].name for case in some] == order
    store.close()


@given(
    st.lists(
        st.tuples(st.sampled_from((0.2, 0.99)), st.integers(-3, 3), st.sampled_from(LEVELS), st.integers(0, 3)),
        max_size=12,
    )
)
def test_the_order_is_by_risk_then_terms_then_gravity_then_time(
    drawn: list[tuple[float, int, str, int]],
) -> None:
    cases = [
        replace(CASE, uid=str(number), risk=Risk(risk, (Term("t", total, "w"),)), level=level, start=start)
        for number, (risk, total, level, start) in enumerate(drawn)
    ]
    order = sorted(cases, key=first_to_read)
    said = [(-case.risk.value, -case.risk.terms[0].value, -LEVELS.index(case.level), case.start) for case in order]
    assert said == sorted(said)
