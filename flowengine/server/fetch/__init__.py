"""Lookups: one pooled HTTP client that reaches what the project names, and nothing else."""

from flowengine.server.fetch.client import Client

__all__ = ["Client"]
