"""Adapts endpoints (the hub, pushes) to HTTP: a request becomes a `Call`, and its `Answer` a response."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aggregator.ports import Call, Endpoint
from aggregator.serve.answers import short_response


def routes(endpoints: Sequence[Endpoint]) -> list[BaseRoute]:
    return [_route(one) for one in endpoints]


def _route(endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        name = str(request.path_params.get("name", ""))
        call = Call(name, request.query_params, request.headers, request.stream())
        try:
            answer = await endpoint.answer(call)
        except ClientDisconnect:  # nobody receives this response
            return short_response(request.scope, 400)
        extra = {"retry-after": str(answer.wait)} if answer.wait is not None else {}
        return short_response(request.scope, answer.status, extra, answer.text)

    return Route(endpoint.path, answer, methods=[endpoint.method])
