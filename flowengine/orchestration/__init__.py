"""What is decided over several calls at once: rings. Pure: no I/O, no clock, no chance."""
