"""The files of a project as typed frozen values; expressions are still text."""

from flowengine.model.authored import Authored, load
from flowengine.model.defaults import Defaults
from flowengine.model.flow import Flow, On, State, Var
from flowengine.model.folder import Folder
from flowengine.model.memory import Memory
from flowengine.model.project import Application, Journal, Platform, Project, Route, Service, Table

__all__ = [
    "Application",
    "Authored",
    "Defaults",
    "Flow",
    "Folder",
    "Journal",
    "Memory",
    "On",
    "Platform",
    "Project",
    "Route",
    "Service",
    "State",
    "Table",
    "Var",
    "load",
]
