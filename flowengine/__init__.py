"""Declarative phone call flows for the Sinch Voice platform."""
