"""The tests lie as the modules do that they test; helpers are imported as `tests.<folder>.<module>`."""
