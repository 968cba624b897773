"""The switch's configuration: a YAML file, checked strictly."""

from flowengine.switch.config.reading import KEY, SECRET, Configured, configured, default

__all__ = ["KEY", "SECRET", "Configured", "configured", "default"]
