"""The language server: what editors show of flows while they are written."""
