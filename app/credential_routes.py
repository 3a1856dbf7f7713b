"""The internal door for those who say who may call: clients and their API keys."""

from __future__ import annotations

from app.route import Route, route
from policies.sheet import guarded
from process_apis import errors
from process_apis.credentials.clients import create_client, disable_client, enable_client, get_client, list_clients
from process_apis.credentials.keys import create_key, get_key, list_keys, revoke_key, rotate_key
from process_apis.credentials.models import (
    ClientChange,
    ClientQuery,
    KeyQuery,
    KeyRevocation,
    KeyRotation,
    NewClient,
    NewKey,
)

CLIENTS, KEYS = "Clients", "API keys"
SEES_CLIENTS = guarded("ops:read", kinds=("operator",), role=("keyAdmin", "operator", "auditor"))
"""Everybody inside may know who calls; what they call with is for key admins."""
SEES_KEYS = guarded("ops:keys", kinds=("operator",), role="keyAdmin")
CHANGES = guarded("ops:keys", kinds=("operator",), role="keyAdmin", once=True)

CREDENTIALS: tuple[Route, ...] = (
    route(
        "GET",
        "/internal/v1/clients",
        list_clients,
        SEES_CLIENTS,
        query=ClientQuery,
        operation_id="listClients",
        summary="Who may call?",
        tag=CLIENTS,
        refuses=(errors.RequestFaulty,),
    ),
    route(
        "POST",
        "/internal/v1/clients",
        create_client,
        CHANGES,
        takes=NewClient,
        answers=201,
        operation_id="createClient",
        summary="Register a client",
        tag=CLIENTS,
        refuses=(errors.RequestFaulty, errors.ClientExists),
    ),
    route(
        "GET",
        "/internal/v1/clients/{clientId}",
        get_client,
        SEES_CLIENTS,
        operation_id="getClient",
        summary="What may this client do?",
        tag=CLIENTS,
    ),
    route(
        "POST",
        "/internal/v1/clients/{clientId}/disable",
        disable_client,
        CHANGES,
        takes=ClientChange,
        body_optional=True,
        operation_id="disableClient",
        summary="Switch a client off",
        tag=CLIENTS,
        refuses=(errors.ClientOfFile,),
    ),
    route(
        "POST",
        "/internal/v1/clients/{clientId}/enable",
        enable_client,
        CHANGES,
        takes=ClientChange,
        body_optional=True,
        operation_id="enableClient",
        summary="Switch a client on again",
        tag=CLIENTS,
        refuses=(errors.ClientOfFile,),
    ),
    route(
        "GET",
        "/internal/v1/api-keys",
        list_keys,
        SEES_KEYS,
        query=KeyQuery,
        operation_id="listKeys",
        summary="Which keys are there?",
        tag=KEYS,
        refuses=(errors.RequestFaulty,),
    ),
    route(
        "POST",
        "/internal/v1/api-keys",
        create_key,
        CHANGES,
        takes=NewKey,
        answers=201,
        operation_id="createKey",
        summary="Make a key",
        description="Makes a key for a client and shows its text in `key`, this once: it is kept nowhere here. A "
        "repeat with the same Idempotency-Key gets everything but the text. A client has at most two living keys.",
        tag=KEYS,
        refuses=(errors.RequestFaulty, errors.TooManyKeys, errors.KeysNotTaken, errors.RoleNotYours),
    ),
    route(
        "GET",
        "/internal/v1/api-keys/{keyId}",
        get_key,
        SEES_KEYS,
        operation_id="getKey",
        summary="What is known of a key?",
        tag=KEYS,
    ),
    route(
        "POST",
        "/internal/v1/api-keys/{keyId}/rotate",
        rotate_key,
        CHANGES,
        takes=KeyRotation,
        body_optional=True,
        answers=201,
        operation_id="rotateKey",
        summary="Make a successor of a key",
        tag=KEYS,
        refuses=(
            errors.RequestFaulty,
            errors.TooManyKeys,
            errors.KeyNotLive,
            errors.KeysNotTaken,
            errors.RoleNotYours,
        ),
    ),
    route(
        "POST",
        "/internal/v1/api-keys/{keyId}/revoke",
        revoke_key,
        CHANGES,
        takes=KeyRevocation,
        body_optional=True,
        operation_id="revokeKey",
        summary="End a key now",
        tag=KEYS,
    ),
)
