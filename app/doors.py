"""The two doors: Litestar as router, the shell around it, and the few open addresses that ask nobody who they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from litestar import Litestar, Request
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from opentelemetry.trace import Tracer
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app import docs_page
from app.contract import DOCUMENT_PATH
from app.encoding import to_json
from app.errors import MethodUnknown, RouteUnknown
from app.health import Health, Meters
from app.problems import answer_to
from app.routes import PUBLIC
from app.shell.access_log import AccessLog
from app.shell.asgi import Asgi
from app.shell.caps import Bounds, Caps
from app.shell.manners import Manners
from app.shell.rim import Rim
from app.shell.trace import Tracing, trail_of

JSON = "application/json"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
Content = Callable[[], Awaitable[tuple[int, str, bytes]]]
"""Status, media type and body of an open page."""


@dataclass(frozen=True, slots=True)
class Page:
    """An open address. `kept_s` is how long others may keep its answer."""

    path: str
    content: Content
    kept_s: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """What both doors are built with."""

    meters: Meters
    tracer: Tracer | None
    public_url: str
    bounds: Bounds = field(default_factory=Bounds)


def door(
    handlers: Sequence[HTTPRouteHandler],
    pages: Sequence[Page],
    methods: Callable[[str], tuple[str, ...]],
    frame: Frame,
    lifespan: Sequence[Lifespan] = (),
) -> Asgi:
    """An ASGI application. The list reads from the outside in: that is the way a call takes."""

    def hand_on(request: Request[Any, Any, Any], error: Exception) -> NoReturn:
        """Litestar would answer by itself; the rim does it for everybody."""
        if isinstance(error, NotFoundException):
            raise RouteUnknown(request.scope["path"]) from None
        if isinstance(error, MethodNotAllowedException):
            raise MethodUnknown(request.scope["method"], methods(request.scope["path"])) from None
        raise error

    router: Asgi = Litestar(  # type: ignore[assignment]  # the same protocol with narrower message types
        [*handlers, *(_handler(page) for page in pages)],
        openapi_config=None,
        logging_config=None,
        exception_handlers={Exception: hand_on},
        request_max_body_size=None,  # the caps have read it already
        lifespan=list(lifespan),
    )
    metadata = frame.public_url + RESOURCE_METADATA
    capped = Caps(router, frame.bounds)
    rimmed = Rim(capped, lambda error, trail, accept: answer_to(error, trail, accept, metadata))
    mannered = Manners(rimmed, methods)
    counted = AccessLog(mannered, frame.meters.call)
    return Tracing(counted, frame.tracer)


def _handler(page: Page) -> HTTPRouteHandler:
    async def handle(request: Request[Any, Any, Any]) -> ASGIResponse:
        trail_of(request.scope).route = page.path  # type: ignore[arg-type]  # the same dict, typed by Litestar
        status, media_type, body = await page.content()
        kept = f"public, max-age={page.kept_s}" if page.kept_s else "no-store"
        headers = {"content-type": media_type, "cache-control": kept}
        return ASGIResponse(body=body, status_code=status, headers=headers)

    return HTTPRouteHandler(page.path, http_method="GET", name=page.path)(handle)


def fixed(media_type: str, body: bytes) -> Content:
    """A page that never changes while the process runs."""

    async def content() -> tuple[int, str, bytes]:
        return 200, media_type, body

    return content


def livez() -> Page:
    """The process answers; about its neighbours this says nothing."""
    return Page("/livez", fixed(JSON, b'{"status":"alive"}'))


def readyz(health: Health) -> Page:
    async def content() -> tuple[int, str, bytes]:
        readiness = await health.readiness()
        return 503 if readiness.status == "notReady" else 200, JSON, to_json(readiness)

    return Page("/readyz", content)


def metrics(meters: Meters) -> Page:
    async def content() -> tuple[int, str, bytes]:
        return 200, CONTENT_TYPE_LATEST, generate_latest(meters.registry)

    return Page("/metrics", content)


def document_page(text: str, path: str = DOCUMENT_PATH) -> Page:
    return Page(path, fixed(JSON, text.encode()), kept_s=300)


def resource_metadata(audience: str, issuers: Sequence[str], scopes: Sequence[str], public_url: str) -> Page:
    """Who may issue tokens for us, and for what (RFC 9728 §2)."""
    said = {
        "resource": audience,
        "authorization_servers": list(issuers),
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Ordergate",
        "resource_documentation": public_url + "/docs",
    }
    return Page(RESOURCE_METADATA, fixed(JSON, to_json(said)), kept_s=300)


def docs() -> Page:
    """What there is to call, and what each refusal means."""
    text = docs_page.page(DOCUMENT_PATH, RESOURCE_METADATA, PUBLIC)
    return Page("/docs", fixed("text/html; charset=utf-8", text.encode()), kept_s=300)
