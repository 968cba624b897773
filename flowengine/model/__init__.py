"""The files of a project as typed frozen values; expressions are still text."""

from flowengine.model.flow import Defaults, Flow, On, State, Var
from flowengine.model.folder import Authored, load
from flowengine.model.project import Application, Platform, Project, Route, Service, Table

__all__ = ["Application", "Authored", "Defaults", "Flow", "On", "Platform", "Project", "Route", "Service", "State", "Table", "Var", "load"]
