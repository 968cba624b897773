"""Calls as text: what is given, what happens, what must be heard; run, reported, and counted for
coverage.
"""
