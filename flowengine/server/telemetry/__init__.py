"""OpenTelemetry: traces of calls, metrics and logs, where the environment asks for them."""
