"""The files of a project as typed frozen values; expressions are still text."""

from flowengine.model.compile_cache import CompileCache, NoCompileCache
from flowengine.model.defaults import Defaults
from flowengine.model.flow import EventEntries, Flow, State, Var
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
    "Application",
    "AuthoredProject",
    "CompileCache",
    "Defaults",
    "EventEntries",
    "Flow",
    "Journal",
    "NoCompileCache",
    "Platform",
    "Project",
    "Route",
    "Service",
    "State",
    "TableFile",
    "Var",
    "load_project",
]
