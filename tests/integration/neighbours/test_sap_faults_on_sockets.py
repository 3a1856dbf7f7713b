"""The SAP client where the sandbox's SAP misbehaves: sessions, locks, versions, and pages that are no answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from system_apis.errors import (
    CredentialsRefused,
    ObjectLocked,
    OutcomeUnknown,
    SystemUnavailable,
    UnreadableAnswer,
    UpstreamError,
    VersionMoved,
)
from system_apis.sap.access import ClientSecret
from system_apis.sap.client import SapErp, connect
from system_apis.sap.models import OrderPatch
from tests.integration.neighbours.clients import CUSTOMER, new_order, soon, today
from tests.integration.neighbours.conftest import EITHER_DIALECT
from tests.sandbox import RunningSandbox


@pytest.fixture
async def by_token(fresh_sandbox: RunningSandbox) -> AsyncIterator[SapErp]:
    base = fresh_sandbox.urls["sap"]
    client = connect(
        instance="s4-1710",
        base_url=base,
        access=ClientSecret(f"{base}/sap/bc/sec/oauth2/token", "SANDBOX", "Welcome1"),
        sap_client="100",
        settle_s=1,
    )
    yield client
    await client.aclose()


async def test_an_oauth_client_works_and_outlives_its_token(by_token: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await by_token.create_order(new_order(fresh_sandbox, "op_token"), deadline=soon())
    fresh_sandbox.fault("sap", "sessionExpired", count=1)
    assert await by_token.read_version(order.number, deadline=soon()) == order.etag


@EITHER_DIALECT
async def test_a_session_that_ends_is_opened_anew_and_the_create_done_once(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    await erp.create_order(new_order(fresh_sandbox, "op_csrf_1"), deadline=soon())
    fresh_sandbox.fault("sap", "csrfExpired", method="POST", count=1)
    await erp.create_order(new_order(fresh_sandbox, "op_csrf_2"), deadline=soon())
    assert len(await erp.find_by_reference("op_csrf_2", CUSTOMER, deadline=soon())) == 1


@EITHER_DIALECT
async def test_a_403_that_no_token_heals_calls_for_an_operator(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", "forbidden", method="POST", count=1)
    with pytest.raises(UpstreamError) as met:
        await erp.create_order(new_order(fresh_sandbox, "op_403"), deadline=soon())
    assert not isinstance(met.value, OutcomeUnknown)
    assert not met.value.safe_to_repeat
    assert await erp.find_by_reference("op_403", CUSTOMER, deadline=soon()) == ()


@EITHER_DIALECT
async def test_a_lock_and_a_faster_change_are_told_apart(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_lock"), deadline=soon())
    patch = OrderPatch(order.number, order.etag, (), requested_date=today(fresh_sandbox) + timedelta(days=20))
    for kind, failure in (("locked", ObjectLocked), ("staleVersion", VersionMoved)):
        armed = fresh_sandbox.fault("sap", kind, path=r"batch$|SalesOrder\('\d+'\)$", count=1)
        with pytest.raises(failure):
            await erp.change_order(patch, deadline=soon())
        fresh_sandbox.lift(armed)
    now = await erp.read_order(order.number, deadline=soon())
    assert now.requested_date == order.requested_date


@pytest.mark.parametrize(
    ("kind", "read", "write"),
    [
        ("logonPage", UnreadableAnswer, OutcomeUnknown),
        ("serverError", SystemUnavailable, OutcomeUnknown),
        ("truncated", SystemUnavailable, OutcomeUnknown),
    ],
)
@EITHER_DIALECT
async def test_what_is_no_answer_says_nothing_about_a_write(
    erp: SapErp, fresh_sandbox: RunningSandbox, kind: str, read: type[Exception], write: type[Exception]
) -> None:
    await erp.create_order(new_order(fresh_sandbox, "op_before"), deadline=soon())  # the session is open
    for method, failure in (("GET", read), ("POST", write)):
        armed = fresh_sandbox.fault("sap", kind, method=method)
        with pytest.raises(failure):
            if method == "GET":
                await erp.read_order("90000017", deadline=soon(3))
            else:
                await erp.create_order(new_order(fresh_sandbox, f"op_{kind}"), deadline=soon(3))
        fresh_sandbox.lift(armed)


async def test_a_user_that_is_not_let_in_is_told_by_oauth_too(fresh_sandbox: RunningSandbox) -> None:
    base = fresh_sandbox.urls["sap"]
    access = ClientSecret(f"{base}/sap/bc/sec/oauth2/token", "SANDBOX", "wrong")
    client = connect(instance="s4-1710", base_url=base, access=access, sap_client="100", settle_s=1)
    with pytest.raises(CredentialsRefused) as met:
        await client.ping(deadline=soon())
    assert "wrong" not in str(met.value)
    await client.aclose()
