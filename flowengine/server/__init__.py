"""The web server: callbacks, administration, metrics, the log, and the client for lookups."""
