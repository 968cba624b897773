"""Which releases are served: the current one for new calls, and those that calls under way began
on.
"""

from flowengine.releases.registry import Registry

__all__ = ["Registry"]
