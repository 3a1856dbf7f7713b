"""The multipart of `$batch`, written and read byte by byte."""

import pytest

from system_apis.sap.batch import BatchUnreadable, Part, answers, changeset, reads

OK_CHANGESET = (
    b"--outer\r\nContent-Type: multipart/mixed; boundary=inner\r\nContent-Length: 400\r\n\r\n"
    b"--inner\r\nContent-Type: application/http\r\nContent-Length: 60\r\ncontent-transfer-encoding: binary\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\ndataserviceversion: 2.0\r\n\r\n\r\n"
    b"--inner\r\nContent-Type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n"
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    b'{"d":{}}\n\r\n--inner--\r\n\r\n--outer--\r\n'
)
FAILED_CHANGESET = (
    b"--A1\r\nContent-Type: application/http\r\nContent-Length: 99\r\ncontent-transfer-encoding: binary\r\n\r\n"
    b"HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n"
    b'{"error":{"code":"/IWBEP/CM_MGW_RT/190","message":{"lang":"en","value":"moved"}}}\r\n--A1--\r\n'
)


def test_a_changeset_is_written_with_crlf_and_numbered_parts() -> None:
    content_type, body = changeset((Part("PATCH", "A_SalesOrder('1')", b'{"x":1}', {"If-Match": 'W/"e"'}),))
    boundary = content_type.removeprefix("multipart/mixed; boundary=")
    assert body.startswith(f"--{boundary}\r\nContent-Type: multipart/mixed; boundary=changeset_".encode())
    assert body.endswith(f"--\r\n\r\n--{boundary}--\r\n".encode())
    assert b"\r\nContent-ID: 1\r\n" in body
    assert b"\r\n\r\nPATCH A_SalesOrder('1') HTTP/1.1\r\n" in body
    assert b'\r\nIf-Match: W/"e"\r\n' in body
    assert b'\r\nContent-Length: 7\r\n\r\n{"x":1}\r\n--changeset_' in body
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_a_part_without_a_body_ends_its_headers_and_then_its_line() -> None:
    _, body = changeset((Part("DELETE", "A_SalesOrder('1')"),))
    assert b"DELETE A_SalesOrder('1') HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--changeset_" in body


def test_reads_stand_beside_each_other_and_each_ends_its_headers_and_then_its_line() -> None:
    content_type, body = reads((Part("GET", "A_Product('1')"), Part("GET", "A_Product('2')?$select=Product")))
    boundary = content_type.removeprefix("multipart/mixed; boundary=").encode()
    first, second = body.split(b"--" + boundary)[1:3]
    assert first.startswith(b"\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n")
    assert first.endswith(b"\r\n\r\nGET A_Product('1') HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n")
    assert b"GET A_Product('2')?$select=Product HTTP/1.1\r\n" in second
    assert body.endswith(b"--" + boundary + b"--\r\n")
    assert b"changeset" not in body
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_a_header_with_a_line_break_is_not_written() -> None:
    with pytest.raises(ValueError, match="If-Match"):
        changeset((Part("PATCH", "x", b"{}", {"If-Match": "a\r\nX-Evil: 1"}),))


def test_the_parts_of_a_changeset_are_read_in_order() -> None:
    read = answers("multipart/mixed; boundary=outer", OK_CHANGESET)
    assert [part.status for part in read] == [204, 201]
    assert read[0].body.strip() == b""
    assert read[1].headers["content-type"] == "application/json"
    assert read[1].body.strip() == b'{"d":{}}'


def test_a_failed_changeset_is_one_part() -> None:
    (part,) = answers('multipart/mixed; boundary="A1"', FAILED_CHANGESET)
    assert part.status == 412
    assert b"CM_MGW_RT/190" in part.body


def test_an_answer_with_bare_line_feeds_is_read_too() -> None:
    read = answers("multipart/mixed;boundary=outer", OK_CHANGESET.replace(b"\r\n", b"\n"))
    assert [part.status for part in read] == [204, 201]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", OK_CHANGESET),
        ("multipart/mixed; boundary=outer", b"<html>busy</html>"),
        ("multipart/mixed; boundary=outer", OK_CHANGESET[: OK_CHANGESET.index(b"--outer--")]),
        ("multipart/mixed; boundary=A1", FAILED_CHANGESET.replace(b"HTTP/1.1 412", b"what")),
        ("multipart/mixed; boundary=A1", FAILED_CHANGESET.replace(b"Content-Length: 99", b"no colon here")),
    ],
)
def test_what_is_no_batch_answer_is_unreadable(content_type: str, body: bytes) -> None:
    with pytest.raises(BatchUnreadable):
        answers(content_type, body)


def test_a_boundary_that_cannot_be_one_is_no_multipart() -> None:
    with pytest.raises(BatchUnreadable):
        answers("multipart/mixed; boundary=\u20ac", OK_CHANGESET)


def test_a_part_of_endless_headers_is_not_read_to_its_end() -> None:
    lines = b"H: x\r\n" * 200
    with pytest.raises(BatchUnreadable):
        answers("multipart/mixed; boundary=b", b"--b\r\n" + lines + b"\r\nHTTP/1.1 200 OK\r\n\r\n\r\n--b--\r\n")
