"""Whom we trust and who we say we are, on encrypted connections."""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import httpx


class TlsUnusable(ValueError):
    """A certificate or key file cannot be used. Names the file, never what is in it."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files. `ca_file` replaces the public authorities; `cert_file` (with its chain) and `key_file` are ours, for
    neighbours that know their callers by X.509. There is no way to switch verification off.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)


PUBLIC = Tls()


@functools.cache
def context(tls: Tls) -> ssl.SSLContext:
    """One context for all who share the settings: it costs some 20 ms to make and holds no state of a peer."""
    made = httpx.create_ssl_context() if tls.ca_file is None else _trusting(tls.ca_file)
    made.minimum_version = ssl.TLSVersion.TLSv1_2  # some builds of Python would still speak 1.0
    if tls.cert_file is not None:
        _identify(made, tls.cert_file, tls.key_file, tls.key_password)
    elif tls.key_file is not None:
        raise TlsUnusable("a key without its certificate")
    return made


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as wrong:  # an SSLError is one too
        raise TlsUnusable(f"the authorities in {ca_file} cannot be read ({_reason(wrong)})") from None


def _identify(made: ssl.SSLContext, cert_file: Path, key_file: Path | None, password: str | None) -> None:
    try:
        # Without a password OpenSSL would ask at the terminal for one: a start that hangs.
        made.load_cert_chain(cert_file, key_file, password=password or "")
    except (OSError, ValueError) as wrong:
        raise TlsUnusable(f"the certificate {cert_file} and its key cannot be used ({_reason(wrong)})") from None


def _reason(wrong: Exception) -> str:
    return getattr(wrong, "reason", None) or getattr(wrong, "strerror", None) or type(wrong).__name__
