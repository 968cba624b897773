"""Lookups: a pooled HTTP client that reaches only the hosts of the project."""

from flowengine.server.fetch.lookup_client import LookupClient

__all__ = ["LookupClient"]
