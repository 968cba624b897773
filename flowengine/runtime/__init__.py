"""Calls at run time: the pure step, the state that travels, and where it is kept."""
