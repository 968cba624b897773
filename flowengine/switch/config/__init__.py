"""The switch's configuration: a YAML file, checked strictly."""

from flowengine.switch.config.configuration_reader import (
    KEY_VARIABLE,
    SECRET_VARIABLE,
    SwitchConfig,
    build_default,
    parse_configuration,
)

__all__ = [
    "KEY_VARIABLE",
    "SECRET_VARIABLE",
    "SwitchConfig",
    "build_default",
    "parse_configuration",
]
