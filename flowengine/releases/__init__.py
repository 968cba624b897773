"""The releases that are served: the current one for new calls, and those that calls are on."""

from flowengine.releases.registry import Registry

__all__ = ["Registry"]
