"""The routes of the admin: none where there is no token."""

from collections.abc import Mapping

from starlette.routing import BaseRoute, Route

from flowengine.runtime.locate import ReleaseSource
from flowengine.runtime.placements import Placements
from flowengine.server.access import TokenAuthorizer
from flowengine.server.admin import ADMIN_PREFIX, AdminEndpoint
from flowengine.server.placements import PlacementEndpoint
from flowengine.server.release_service import ReleaseService
from flowengine.server.secret_variables import ADMIN_TOKEN
from flowengine.server.server_settings import ServerSettings
from flowengine.server.tokens import ADMIN_OPEN, check_token
from flowengine.storage.sessions import Store

METHODS = ["GET", "POST"]


def build_admin_routes(
    environment: Mapping[str, str],
    settings: ServerSettings,
    live: ReleaseService,
    store: Store,
    placements: Placements | None,
    releases: ReleaseSource,
) -> list[BaseRoute]:
    """The admin routes; none where there is no token."""
    token = check_token(environment, ADMIN_TOKEN)
    if not token:
        return []
    authorizer = TokenAuthorizer({ADMIN_TOKEN: token}, is_open=environment.get(ADMIN_OPEN) == "1")
    place = PlacementEndpoint(authorizer, placements, lambda: releases.current, environment)
    commands = AdminEndpoint(authorizer, settings, live, store, releases)
    return [
        Route(f"{ADMIN_PREFIX}/place", place, methods=[*METHODS, "DELETE"]),
        Route(f"{ADMIN_PREFIX}/{{verb}}", commands, methods=METHODS),
    ]
