"""The files of a project as typed frozen values; expressions are still text."""

from flowengine.model.compile_cache import CompileCache, NoCompileCache, ResultRecorder
from flowengine.model.defaults import Defaults
from flowengine.model.flow import EventEntries, Flow, State, Var
from flowengine.model.outside_flows import NO_OUTSIDE_FLOWS, OutsideFlows
from flowengine.model.project_file import (
    Application,
    Journal,
    Platform,
    Project,
    Route,
    Service,
    TableFile,
)
from flowengine.model.project_loader import AuthoredProject, load_project

__all__ = [
    "NO_OUTSIDE_FLOWS",
    "Application",
    "AuthoredProject",
    "CompileCache",
    "Defaults",
    "EventEntries",
    "Flow",
    "Journal",
    "NoCompileCache",
    "OutsideFlows",
    "Platform",
    "Project",
    "ResultRecorder",
    "Route",
    "Service",
    "State",
    "TableFile",
    "Var",
    "load_project",
]
