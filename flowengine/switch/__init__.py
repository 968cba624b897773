"""A local imitation of the platform: takes calls, sends signed callbacks to a backend, and carries
out its SVAML. It knows nothing of flows.
"""
