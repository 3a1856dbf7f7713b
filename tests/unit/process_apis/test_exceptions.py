"""What a repeat of a step does to the exceptions that it opened before."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.exceptions import (
    DEAD_LETTER,
    ENDED,
    KINDS,
    OPERATION_BROKEN,
    ExceptionState,
    ExceptionView,
    Finding,
    SourceMessage,
    Subject,
    compared,
    opened,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STEP = "decide"
codes, lines = st.sampled_from(sorted(KINDS)[:4]), st.sampled_from([None, "1", "2"])
findings = st.builds(
    Finding,
    code=codes,
    detail=st.sampled_from(["", "again"]),
    system=st.just("erp"),
    instance=st.just("s4-1710"),
    blocking=st.booleans(),
    line_id=lines,
)


def found(code: str, line_id: str | None = None, *, detail: str = "so it is") -> Finding:
    return Finding(code, detail, "erp", "s4-1710", blocking=True, line_id=line_id)


def known(finding: Finding, *, step: str = STEP, state: ExceptionState = "open") -> ExceptionView:
    return replace(opened(finding, step=step, at=NOW, correlation_id="c"), state=state)


def test_what_is_found_again_is_the_same_exception() -> None:
    before = known(found("shortage", "1"))
    now = compared([before], STEP, [found("shortage", "1", detail="less than before")])
    assert [(one.exception_id, finding.detail) for one, finding in now.again] == [
        (before.exception_id, "less than before")
    ]
    assert (now.gone, now.new) == ((), ())


def test_what_is_not_found_any_more_is_gone_and_what_another_step_met_stays() -> None:
    mine, others = known(found("shortage", "1")), known(found("shortage", "1"), step="simulate")
    assert compared([mine, others], STEP, []).gone == (mine,)


def test_what_was_waived_is_not_opened_again_and_what_was_resolved_is() -> None:
    waived, resolved = known(found("shortage", "1"), state="waived"), known(found("credit-hold"), state="resolved")
    now = compared([waived, resolved], STEP, [found("shortage", "1"), found("credit-hold")])
    assert [one.exception_id for one, _ in now.again] == [waived.exception_id]
    assert [one.code for one in now.new] == ["credit-hold"]
    assert now.gone == ()


def test_two_of_a_kind_stay_two() -> None:
    both = [known(found("capacity-conflict")), known(found("capacity-conflict"))]
    now = compared(both, STEP, [found("capacity-conflict"), found("capacity-conflict")])
    assert {one.exception_id for one, _ in now.again} == {one.exception_id for one in both}
    assert len(compared(both, STEP, [found("capacity-conflict")]).gone) == 1


def test_an_operation_that_moves_again_is_not_broken_any_more() -> None:
    broke, dead = known(found(OPERATION_BROKEN), step="scheduling"), known(found(DEAD_LETTER), step="commit")
    assert compared([broke, dead], STEP, []).gone == (broke, dead)


def test_a_field_of_another_owner_is_that_whatever_the_step_called_it() -> None:
    said = SourceMessage("owner-violation", "not ours")
    tried = replace(found("write-back-pending"), source=said)
    before = known(tried)
    assert before.code == "owner-violation"
    assert [one.exception_id for one, _ in compared([before], STEP, [tried]).again] == [before.exception_id]


@given(st.lists(findings, max_size=5), st.lists(findings, max_size=5))
def test_nothing_is_lost_and_nothing_is_counted_twice(before: list[Finding], now: list[Finding]) -> None:
    held = [known(one) for one in before]
    outcome = compared(held, STEP, now)
    touched = [one.exception_id for one, _ in outcome.again] + [one.exception_id for one in outcome.gone]
    assert sorted(touched) == sorted(one.exception_id for one in held)
    assert len(outcome.again) + len(outcome.new) == len(now)


def test_the_plant_of_a_line_is_its_own_and_that_of_the_whole_only_if_there_is_one() -> None:
    about = Subject("operation", "op_1", "17100001", "c", plants={"1": "1710", "2": "1720"})
    assert (about.plant_of("2"), about.plant_of("9"), about.plant_of(None)) == ("1720", None, None)
    assert Subject("operation", "op_1", "17100001", "c", plants={"1": "1710"}).plant_of(None) == "1710"


def test_every_end_is_an_end() -> None:
    assert frozenset({"resolved", "expired", "waived"}) == ENDED
