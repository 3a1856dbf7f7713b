"""What a caller proved itself with: the client it stands for, and a name for the proof that may be written down."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from policies.clients import Client


class Credential(Struct, frozen=True):
    """A token or a key that was accepted.

    `ident` is the token's `jti` (RFC 9068 §2.2) or the key's id: neither opens anything. `client` holds the effective
    scopes: what the credential grants *and* the registry allows.
    """

    kind: Literal["token", "apiKey"]
    ident: str
    client: Client

    @property
    def name(self) -> str:
        """As audit rows name it: `token:<jti>` or `key:<key id>`."""
        return f"{'key' if self.kind == 'apiKey' else 'token'}:{self.ident}"
