"""The composition root: what a gateway is made of, in one place and by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from litestar.handlers import HTTPRouteHandler
from opentelemetry.trace import Tracer

from app import contract, doors
from app.database import ping
from app.endpoint import Edge, handler_for
from app.health import Health, Meters
from app.internal_routes import INTERNAL
from app.outside import Outside
from app.parts import Parts, assemble
from app.route import Route, bound
from app.routes import PUBLIC
from app.settings import Settings
from app.shell.asgi import Asgi
from app.shell.caps import Bounds


@dataclass(frozen=True, slots=True)
class Gateway:
    """The two doors. The lifespan of `internal` is that of everything; `health.draining` fails readiness."""

    external: Asgi
    internal: Asgi
    health: Health


def create_app(settings: Settings, outside: Outside | None = None, tracer: Tracer | None = None) -> Gateway:
    """A gateway for these settings. Nothing is opened before the lifespan of its internal door begins."""
    world = outside or Outside()
    meters = Meters()
    parts = assemble(settings, world, meters)
    edge = Edge(parts.stack, world.now, settings.world.limits.default_deadline_ms / 1000)
    bounds = Bounds(slow_body_s=settings.world.limits.slow_body_seconds)
    frame = doors.Frame(meters, tracer, settings.public_url, bounds)
    health = Health(parts.neighbours.pings(), lambda deadline: ping(parts.engine, deadline.remaining_s))
    open_pages = _open_pages(settings)
    inside_pages = [
        doors.readyz(health),
        doors.metrics(meters),
        doors.livez(),
        doors.document_page(contract.internal_text(), contract.INTERNAL_DOCUMENT_PATH),
    ]
    return Gateway(
        external=doors.door(_handlers(parts, edge, PUBLIC), open_pages, _methods(open_pages, PUBLIC), frame),
        internal=doors.door(
            _handlers(parts, edge, INTERNAL), inside_pages, _methods(inside_pages, INTERNAL), frame, [parts.running]
        ),
        health=health,
    )


def _handlers(parts: Parts, edge: Edge, routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    named = parts.named()
    return [handler_for(route, bound(route.process, named), edge) for route in routes]


def _open_pages(settings: Settings) -> list[doors.Page]:
    issuers = [issuer.issuer for issuer in settings.world.issuers]
    scopes = sorted({route.sheet.scope for route in PUBLIC})
    return [
        doors.document_page(contract.text()),
        doors.resource_metadata(settings.world.audience, issuers, scopes, settings.public_url),
        doors.docs(),
        doors.livez(),
    ]


def _methods(pages: Sequence[doors.Page], routes: Sequence[Route]) -> Callable[[str], tuple[str, ...]]:
    """The methods of a path, for Allow. Asked only where a call goes wrong, or by OPTIONS."""

    def methods(path: str) -> tuple[str, ...]:
        known = {route.method for route in routes if route.matches(path)}
        known |= {"GET" for page in pages if page.path == path}
        if not known:
            return ()
        return tuple(sorted({*known, "OPTIONS", *({"HEAD"} if "GET" in known else ())}))

    return methods
