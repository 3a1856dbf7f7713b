"""A system in its maintenance window is not asked, and a promise says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from system_apis.sap.client import connect as connect_erp
from system_apis.scheduler.http_adapter import connect as connect_scheduler
from tests.integration.atp.counter import THREE, check, request
from tests.integration.landscape import urls_of
from tests.sandbox import RunningSandbox


async def test_a_scheduler_in_its_window_is_skipped_by_name_and_only_its_lines_are_unknown(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    url = urls_of(fresh_sandbox).scheduler
    resting = connect_scheduler(instance="aps-1710", base_url=url, api_key="x", rests=lambda: 600.0)
    answer = await check(replace(landscape, schedulers={"aps-1710": resting}), request(*THREE))
    await resting.aclose()
    assert [(one.system, one.outcome) for one in answer.sources] == [("erp", "ok"), ("scheduler", "skipped")]
    assert [one.status for one in answer.lines] == ["confirmed", "confirmedLate", "unknown"]
    assert answer.status == "degraded"
    (warning,) = answer.warnings
    assert (warning.code, warning.source) == ("source-skipped", "s2")
    assert "maintenance window" in warning.message
    assert fresh_sandbox.journal("scheduler") == []


async def test_an_erp_in_its_window_leaves_all_unknown_while_the_scheduler_answers(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    erp = connect_erp(
        instance="s4-1710",
        base_url=urls_of(fresh_sandbox).sap,
        user="SANDBOX",
        password="Welcome1",
        sap_client="100",
        settle_s=1,
        rests=lambda: 600.0,
    )
    resting = replace(landscape, erps={"s4-1710": erp})
    answer = await check(resting, request(*THREE, mode="ctp"))
    assert {one.status for one in answer.lines} == {"unknown"}
    assert ("erp", "skipped") in [(one.system, one.outcome) for one in answer.sources]
    with pytest.raises(NoSourceAnswered):
        await check(resting, request(THREE[0], mode="atp"))
    await erp.aclose()
    assert fresh_sandbox.journal("sap") == []
