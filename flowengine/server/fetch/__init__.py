"""Lookups: one pooled HTTP client that reaches what the project names, and nothing else."""

from flowengine.server.fetch.lookup_client import LookupClient

__all__ = ["LookupClient"]
