"""The web server: signed callbacks in, SVAML out, with its metrics, its log and the client for
lookups.
"""
