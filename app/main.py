"""The composition root: what a gateway is made of, in one place and by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar.handlers import HTTPRouteHandler
from opentelemetry.trace import Tracer

from app import contract, doors
from app.database import ping
from app.endings import endings_of, fields_by_path
from app.endpoint import Edge, handler_for
from app.explaining import explanation_of
from app.figures import FiguresPage
from app.guarded import refuse_unguarded
from app.health import Health, Meters
from app.internal_routes import INTERNAL
from app.outside import Outside
from app.parts import assemble
from app.problems import Heard, Problem
from app.route import Route
from app.routes import PUBLIC
from app.settings import Settings
from app.shell.asgi import Asgi
from app.shell.caps import Bounds
from app.shell.farewell import Leaving
from app.shell.trace import Trail
from policies.explain import Explanations
from policies.origin import origin_of


@dataclass(frozen=True, slots=True)
class Gateway:
    """The two doors. The lifespan of `internal` is that of everything; `health.draining` fails readiness, and `leaving`
    knows who still calls at the external door then."""

    external: Asgi
    internal: Asgi
    health: Health
    leaving: Leaving


def create_app(
    settings: Settings,
    outside: Outside | None = None,
    tracer: Tracer | None = None,
    public: Sequence[Route] = PUBLIC,
) -> Gateway:
    """A gateway for these settings. Nothing is opened before the lifespan of its internal door begins.

    `public` are the routes of the external door, of one major or of several side by side.
    """
    world = outside or Outside()
    meters = Meters()
    parts = assemble(settings, world, meters)
    edge = Edge(parts.stack, world.now, settings.world.limits.default_deadline_ms / 1000)
    bounds = Bounds(slow_body_s=settings.world.limits.slow_body_seconds)
    told = _remembering(parts.explanations, world.now)
    health = Health(
        parts.neighbours.pings(),
        lambda deadline: ping(parts.engine, deadline.remaining_s),
        counters=parts.limiting.ping,
        makes_promises=settings.role != "worker",
    )
    frame = doors.Frame(
        meters,
        tracer,
        settings.public_url,
        bounds,
        told,
        trusted_proxies=settings.trusted_proxies,
    )
    leaving = Leaving(lambda: health.draining)
    refuse_unguarded(public, INTERNAL)
    everything = [*public, *INTERNAL]
    named = {**parts.named(), "endings": endings_of(everything)}
    open_pages = _open_pages(settings, public)
    inside_pages = [
        doors.readyz(health),
        doors.metrics(meters, FiguresPage(parts.engine)),
        doors.livez(),
        doors.document_page(contract.internal_text, contract.INTERNAL_DOCUMENT_PATH),
    ]
    return Gateway(
        external=doors.door(
            _handlers(named, edge, public),
            open_pages,
            _methods(open_pages, public),
            frame,
            endings=fields_by_path(public, settings.public_url),
            origins=settings.world.browser_origins,
            leaving=leaving,
        ),
        internal=doors.door(
            _handlers(named, edge, INTERNAL),
            inside_pages,
            _methods(inside_pages, INTERNAL),
            frame,
            lifespan=[parts.running],
            leaving=Leaving(lambda: health.draining),  # of its own: who asks for readiness keeps nobody from leaving
            endings=fields_by_path(INTERNAL, settings.public_url),
        ),
        health=health,
        leaving=leaving,
    )


def _handlers(named: Mapping[str, Any], edge: Edge, routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    return [handler_for(route, named, edge) for route in routes]


def _remembering(explanations: Explanations, now: Callable[[], datetime]) -> Heard:
    """Every refusal is remembered for a while, so that somebody can ask why."""

    def heard(error: BaseException, problem: Problem, trail: Trail) -> None:
        if (explanation := explanation_of(error, problem, trail, now())) is not None:
            explanations.keep(explanation, origin_of(trail.call.client_address) if trail.call else "")

    return heard


def _open_pages(settings: Settings, public: Sequence[Route]) -> list[doors.Page]:
    issuers = [issuer.issuer for issuer in settings.world.issuers]
    scopes = sorted({route.sheet.scope for route in public})
    return [
        *(doors.document_page(make, path) for path, make in contract.texts_by_path(public).items()),
        doors.document_page(contract.flat_text, contract.FLAT_DOCUMENT_PATH),
        *doors.resource_metadata(settings.world.audience, issuers, scopes, settings.public_url),
        doors.docs(public),
        doors.problems(),
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
