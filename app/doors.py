"""The two doors: Litestar as router, the shell around it, and the few open addresses that ask nobody who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

from litestar import Litestar, Request
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from opentelemetry.trace import Tracer
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app import docs_page, problems_page
from app.contract import DOCUMENT_PATH
from app.encoding import to_json
from app.errors import MethodUnknown, RouteUnknown
from app.figures import FiguresPage
from app.health import Health, Meters
from app.problems import Heard, answer_to, say_nothing
from app.route import Route
from app.shell.access_log import AccessLog
from app.shell.asgi import Asgi
from app.shell.caps import Bounds, Caps
from app.shell.cors import Cors
from app.shell.endings import Endings, Fields
from app.shell.farewell import Farewell, Leaving
from app.shell.hops import Hops
from app.shell.manners import Manners
from app.shell.rim import Rim
from app.shell.trace import Tracing, Trail, trail_of
from policies.origin import Network

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
    heard: Heard = say_nothing
    trusted_proxies: Sequence[Network] = ()


def door(
    handlers: Sequence[HTTPRouteHandler],
    pages: Sequence[Page],
    methods: Callable[[str], tuple[str, ...]],
    frame: Frame,
    *,
    lifespan: Sequence[Lifespan] = (),
    endings: Fields | None = None,
    origins: Sequence[str] = (),
    leaving: Leaving | None = None,
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
    types = f"{frame.public_url}{problems_page.PATH}#"

    def told(error: BaseException, trail: Trail, accept: str) -> tuple[int, Any, bytes]:
        return answer_to(error, trail, accept, metadata, heard=frame.heard, type_base=types)

    rimmed = Rim(capped, told)
    mannered = Manners(rimmed, methods)
    announced = Endings(mannered, endings) if endings else mannered
    readable = Cors(announced, origins, methods) if origins else announced
    counted = AccessLog(Farewell(readable, leaving or Leaving(lambda: False)), frame.meters.call)
    behind = Hops(counted, frame.trusted_proxies) if frame.trusted_proxies else counted
    return Tracing(behind, frame.tracer)


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


def metrics(meters: Meters, figures: FiguresPage) -> Page:
    """What this process counts, and the business figures, which all replicas share."""
    meters.registry.register(figures)

    async def content() -> tuple[int, str, bytes]:
        await figures.renew()
        return 200, CONTENT_TYPE_LATEST, generate_latest(meters.registry)

    return Page("/metrics", content)


def document_page(make: Callable[[], str], path: str = DOCUMENT_PATH) -> Page:
    """A document is large, takes a while to make, and few processes are ever asked for it: made for the first who
    asks, aside from the others' calls, and kept."""
    made: list[bytes] = []

    async def content() -> tuple[int, str, bytes]:
        if not made:
            made.append((await asyncio.to_thread(make)).encode())
        return 200, JSON, made[0]

    return Page(path, content, kept_s=300)


def resource_metadata(audience: str, issuers: Sequence[str], scopes: Sequence[str], public_url: str) -> list[Page]:
    """Who may issue tokens for us, and for what (RFC 9728 §2): where a challenge points, and where a client looks that
    knows our identifier only, which is before its path (§3.1)."""
    said = {
        "resource": audience,
        "authorization_servers": list(issuers),
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Ordergate",
        "resource_documentation": public_url + "/docs",
    }
    paths = dict.fromkeys((RESOURCE_METADATA, RESOURCE_METADATA + urlsplit(audience).path.rstrip("/")))
    return [Page(path, fixed(JSON, to_json(said)), kept_s=300) for path in paths]


def docs(routes: Sequence[Route]) -> Page:
    """What there is to call, and what each refusal means."""
    text = docs_page.page(DOCUMENT_PATH, RESOURCE_METADATA, routes)
    return Page("/docs", fixed("text/html; charset=utf-8", text.encode()), kept_s=300)


def problems() -> Page:
    """Where the type of a problem leads."""
    return Page(problems_page.PATH, fixed("text/html; charset=utf-8", problems_page.page().encode()), kept_s=300)
