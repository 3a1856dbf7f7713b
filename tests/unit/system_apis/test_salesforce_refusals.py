"""Salesforce's error codes, by what they mean for asking again."""

import httpx
import msgspec
import pytest

from system_apis.errand import Errand
from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    SystemUnavailable,
    UpstreamError,
)
from system_apis.salesforce import refusals

WRITE = Errand("salesforce", "crm", "write the outcome back", writes=True)
READ = Errand("salesforce", "crm", "read a quote", writes=False)


def body(code: str, message: str = "text") -> bytes:
    return msgspec.json.encode([{"message": message, "errorCode": code}])


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "UNABLE_TO_LOCK_ROW", ObjectLocked),
        (403, "REQUEST_LIMIT_EXCEEDED", SystemUnavailable),
        (404, "NOT_FOUND", NotFoundInSystem),
        (404, "ENTITY_IS_DELETED", NotFoundInSystem),
        (400, "INVALID_FIELD", SystemRefused),
        (400, "STRING_TOO_LONG", SystemRefused),
        (400, "INVALID_CROSS_REFERENCE_KEY", NotFoundInSystem),
        (400, "MALFORMED_ID", NotFoundInSystem),
        (400, "ENTITY_IS_LOCKED", SystemRefused),
        (400, "DUPLICATES_DETECTED", SystemRefused),
        (400, "STORAGE_LIMIT_EXCEEDED", SystemRefused),
        (405, "METHOD_NOT_ALLOWED", SystemRefused),
        (400, "JSON_PARSER_ERROR", SystemRefused),
        (410, "GONE", SystemRefused),
        (403, "API_DISABLED_FOR_ORG", CredentialsRefused),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY", CredentialsRefused),
        (503, "SERVER_UNAVAILABLE", SystemUnavailable),
        (500, "UNKNOWN_EXCEPTION", OutcomeUnknown),
    ],
)
def test_each_code_has_its_type(status: int, code: str, kind: type[UpstreamError]) -> None:
    assert type(refusals.failure(status, refusals.complaints(body(code)), WRITE)) is kind


def test_an_id_that_does_not_check_is_not_found() -> None:
    said = refusals.complaints(body("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 0Q0000000000000AAA"))
    assert type(refusals.failure(400, said, READ)) is NotFoundInSystem
    said = refusals.complaints(body("INVALID_QUERY_FILTER_OPERATOR", "operator is not valid for this field"))
    assert type(refusals.failure(400, said, READ)) is SystemRefused


def test_what_was_rolled_back_left_nothing_behind() -> None:
    said = refusals.complaints(body("UNKNOWN_EXCEPTION"))
    assert type(refusals.failure(500, said, WRITE, undone=True)) is SystemUnavailable
    assert type(refusals.failure(500, (), WRITE, undone=True)) is SystemUnavailable
    assert type(refusals.failure(500, (), WRITE)) is OutcomeUnknown


def test_an_echo_is_told_from_a_cause() -> None:
    assert refusals.is_echo(refusals.complaints(body("PROCESSING_HALTED")))
    assert not refusals.is_echo(refusals.complaints(body("STRING_TOO_LONG")))
    assert not refusals.is_echo(refusals.complaints(b"<html/>"))


@pytest.mark.parametrize(
    ("code", "message", "repeats"),
    [
        ("DUPLICATE_VALUE", "duplicate value found: Exception_Id__c duplicates value on record with id: a00", True),
        ("DUPLICATE_VALUE", "duplicate value found: <unknown> duplicates value on record with id: <unknown>", True),
        ("DUPLICATE_VALUE", "duplicate value found: Other__c duplicates value on record with id: a00", False),
        ("DUPLICATES_DETECTED", "Exception_Id__c", False),
    ],
)
def test_a_repeated_key_is_told_from_other_duplicates(code: str, message: str, repeats: bool) -> None:
    assert refusals.repeats_a_key(refusals.complaints(body(code, message)), "Exception_Id__c") is repeats


def test_a_maintenance_page_is_no_reason() -> None:
    assert refusals.complaints(b"<html>maintenance</html>") == ()
    assert type(refusals.failure(500, (), READ)) is SystemUnavailable
    assert type(refusals.failure(400, (), READ)) is SystemRefused


@pytest.mark.parametrize(
    ("said", "mended"),
    [
        (body("INVALID_SESSION_ID", "Session expired or invalid"), True),
        (body("INVALID_SESSION_ID", "This session is not valid for use with the REST API"), False),
        (body("INVALID_SESSION_ID", "Connected app is not attached to Agent"), False),
        (body("INVALID_AUTH_HEADER"), False),
        (b'{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}', True),
        (b"<html/>", False),
    ],
)
def test_only_an_expired_session_is_mended_by_a_new_token(said: bytes, mended: bool) -> None:
    assert refusals.session_expired(httpx.Response(401, content=said)) is mended
