"""Whom we trust and who we say we are: real handshakes with certificates made for the occasion."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from system_apis.errors import OutcomeUnknown, SystemUnavailable
from system_apis.tls import Tls, TlsUnusable, context
from tests.integration.upstream.doors import read, upstream_to, write
from tests.integration.upstream.raw_server import Connection, neighbour

PASSWORD = "canary-key-password"


@dataclass(frozen=True)
class Certificates:
    """An authority, its file, and a server's identity by it; `ours` signs the certificates of callers."""

    authority: trustme.CA
    ours: trustme.CA
    where: Path

    @property
    def ca_file(self) -> Path:
        return self._written("ca.pem", self.authority.cert_pem.bytes())

    def server(self, *names: str, asks_for: trustme.CA | None = None) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(made)
        if asks_for is not None:
            made.verify_mode = ssl.CERT_REQUIRED
            asks_for.configure_trust(made)
        return made

    def of_a_caller(self, by: trustme.CA, password: bytes | None = None) -> tuple[Path, Path]:
        """The files of a certificate and its key."""
        issued = by.issue_cert("ordergate@example.com", common_name="ORDERGATE")
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
        return self._written("cert.pem", chain), self._written("key.pem", pem)

    def _written(self, name: str, content: bytes) -> Path:
        (self.where / name).write_bytes(content)
        return self.where / name


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(trustme.CA(), trustme.CA(), tmp_path)


def noting(peers: list[Any]) -> Callable[[Connection], Any]:
    async def note(connection: Connection) -> None:
        peers.append(connection.writer.get_extra_info("peercert"))
        await connection.ok()

    return note


async def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(
    certificates: Certificates,
) -> None:
    async with neighbour(Connection.ok, tls=certificates.server()) as raw, upstream_to(raw.url) as upstream:
        with pytest.raises(SystemUnavailable, match="certificate is not trusted") as met:
            await write(upstream)
        assert not met.value.sent
        assert raw.seen == []


async def test_a_certificate_of_the_configured_authority_is_accepted(certificates: Certificates) -> None:
    tls = Tls(ca_file=certificates.ca_file)
    async with neighbour(Connection.ok, tls=certificates.server()) as raw, upstream_to(raw.url, tls=tls) as upstream:
        assert (await read(upstream)).status_code == 200


async def test_a_certificate_for_another_name_is_refused(certificates: Certificates) -> None:
    tls = Tls(ca_file=certificates.ca_file)
    elsewhere = certificates.server("elsewhere.example")
    async with neighbour(Connection.ok, tls=elsewhere) as raw, upstream_to(raw.url, tls=tls) as upstream:
        with pytest.raises(SystemUnavailable, match="certificate is not trusted"):
            await write(upstream)
        assert raw.seen == []


def test_the_configured_authority_stands_alone(certificates: Certificates) -> None:
    (only,) = context(Tls(ca_file=certificates.ca_file)).get_ca_certs()
    assert "trustme" in str(only["subject"])


async def test_our_certificate_is_shown_to_who_asks_for_it(certificates: Certificates) -> None:
    cert_file, key_file = certificates.of_a_caller(certificates.ours)
    peers: list[Any] = []
    server = certificates.server(asks_for=certificates.ours)
    tls = Tls(certificates.ca_file, cert_file, key_file)
    async with neighbour(noting(peers), tls=server) as raw, upstream_to(raw.url, tls=tls) as upstream:
        await read(upstream)
    assert "ORDERGATE" in str(peers[0]["subject"])


async def test_a_key_with_a_password_is_opened(certificates: Certificates) -> None:
    cert_file, key_file = certificates.of_a_caller(certificates.ours, PASSWORD.encode())
    server = certificates.server(asks_for=certificates.ours)
    tls = Tls(certificates.ca_file, cert_file, key_file, PASSWORD)
    async with neighbour(Connection.ok, tls=server) as raw, upstream_to(raw.url, tls=tls) as upstream:
        assert (await read(upstream)).status_code == 200


@pytest.mark.parametrize("shown", ["none", "of a stranger"])
async def test_without_a_certificate_they_know_we_are_not_let_in(certificates: Certificates, shown: str) -> None:
    """TLS 1.3 tells the caller only after the handshake: for a write that is a connection which broke after sending."""
    stranger = certificates.of_a_caller(certificates.authority) if shown == "of a stranger" else (None, None)
    server = certificates.server(asks_for=certificates.ours)
    tls = Tls(certificates.ca_file, *stranger)
    async with neighbour(Connection.ok, tls=server) as raw, upstream_to(raw.url, tls=tls) as upstream:
        with pytest.raises((SystemUnavailable, OutcomeUnknown)):
            await write(upstream)
        with pytest.raises(SystemUnavailable):
            await read(upstream)
        assert raw.seen == []


@pytest.mark.parametrize("password", [None, "wrong-canary"])
def test_a_key_that_cannot_be_opened_is_named_and_not_shown(certificates: Certificates, password: str | None) -> None:
    cert_file, key_file = certificates.of_a_caller(certificates.ours, PASSWORD.encode())
    with pytest.raises(TlsUnusable, match=r"cert\.pem") as met:
        context(Tls(None, cert_file, key_file, password))
    assert "canary" not in f"{met.value!r} {met.value.__cause__!r} {Tls(None, cert_file, key_file, PASSWORD)!r}"


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(TlsUnusable, match=r"nowhere\.pem"):
        context(Tls(ca_file=tmp_path / "nowhere.pem"))
    with pytest.raises(TlsUnusable, match=r"nowhere\.pem"):
        context(Tls(cert_file=tmp_path / "nowhere.pem"))
    with pytest.raises(TlsUnusable, match="without its certificate"):
        context(Tls(key_file=tmp_path / "key.pem"))


def test_nobody_can_switch_verification_off() -> None:
    made = context(Tls())
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
