"""What is wrong with the variables of OpenTelemetry's SDKs. They would take a default in place of such a
value, or go on without exporting, once a worker has begun. No value is quoted that may hold a key.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from flowengine.problems.message_format import suggest_name

RATIO_SAMPLERS = ("traceidratio", "parentbased_traceidratio")
SAMPLERS = ("always_on", "always_off", "parentbased_always_on", "parentbased_always_off", *RATIO_SAMPLERS)  # fmt: skip
COMPRESSIONS = ("gzip", "deflate", "none")
SAMPLER, SAMPLER_ARGUMENT = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_EXPORTER_PATTERN = re.compile(r"OTEL_EXPORTER_OTLP_(?:TRACES_|METRICS_|LOGS_)?([A-Z_]+)")
_WHOLE_NUMBER_PATTERN = re.compile(
    r"OTEL_(?:B(?:SP|LRP)_(?:MAX_QUEUE_SIZE|MAX_EXPORT_BATCH_SIZE|SCHEDULE_DELAY|EXPORT_TIMEOUT)"
    r"|METRIC_EXPORT_INTERVAL)"
)
_HEADER_PATTERN = re.compile(r"\s*[^\s=,]+\s*=[^,]*")
_BATCHES = (("OTEL_BSP", "spans"), ("OTEL_BLRP", "log records"))
_DEFAULT_QUEUE, _DEFAULT_BATCH = "2048", "512"  # of the specification


def find_variable_faults(environment: Mapping[str, str]) -> Iterator[str]:
    """The faults of these variables, each with what to write instead."""
    yield from _find_sampler_faults(environment)
    for name, value in sorted(environment.items()):
        if not value:
            continue
        if _WHOLE_NUMBER_PATTERN.fullmatch(name) and not _is_positive(value):
            yield f"{name} is no number: write a whole number above 0"
        elif found := _EXPORTER_PATTERN.fullmatch(name):
            yield from _find_exporter_faults(name, found[1], value)
    for prefix, items in _BATCHES:
        batch = environment.get(f"{prefix}_MAX_EXPORT_BATCH_SIZE") or _DEFAULT_BATCH
        queue = environment.get(f"{prefix}_MAX_QUEUE_SIZE") or _DEFAULT_QUEUE
        if _is_positive(batch) and _is_positive(queue) and int(batch) > int(queue):
            yield (
                f"{prefix}_MAX_EXPORT_BATCH_SIZE is {batch}, and only {queue} {items} wait: raise "
                f"{prefix}_MAX_QUEUE_SIZE, or export fewer at once"
            )


def _find_sampler_faults(environment: Mapping[str, str]) -> Iterator[str]:
    sampler, argument = environment.get(SAMPLER, ""), environment.get(SAMPLER_ARGUMENT, "")
    if sampler and sampler.lower() not in SAMPLERS:
        hint = suggest_name(sampler.lower(), SAMPLERS)
        yield f"{SAMPLER} is {sampler}: " + (hint or f"write one of {', '.join(SAMPLERS)}")
    elif sampler.lower() in RATIO_SAMPLERS and not _is_share(argument):
        is_set = f"is {argument}" if argument else "is not set"
        yield f"{SAMPLER_ARGUMENT} {is_set}: write the share of calls to trace, from 0 to 1, such as 0.1"


def _find_exporter_faults(name: str, kind: str, value: str) -> Iterator[str]:
    match kind:
        case "ENDPOINT" if not _is_address(value):
            yield f"{name} is no address: write one such as http://collector.internal:4318"
        case "TIMEOUT" if not _is_seconds(value):
            yield f"{name} is {value}: write seconds above 0, such as 10"
        case "COMPRESSION" if value.strip().lower() not in COMPRESSIONS:
            yield f"{name} is {value}: write one of {', '.join(COMPRESSIONS)}"
        case "CERTIFICATE" | "CLIENT_KEY" | "CLIENT_CERTIFICATE" if not Path(value).is_file():
            yield f"{name} names {value}, where there is no file"
        case "HEADERS":
            parts = [part for part in value.split(",") if part.strip()]
            if not all(_HEADER_PATTERN.fullmatch(part) for part in parts):
                yield f"{name} is no list of headers: write name=value, with commas between them"
        case _:
            pass


def _is_positive(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) > 0


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _is_seconds(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port
