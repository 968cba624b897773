"""The platform on your desk: takes calls, asks a backend by signed callbacks, obeys its SVAML. It
knows nothing of flows.
"""
