"""Calls at run time: the pure step, the loop that drives it, and the state of a call between
callbacks.
"""
