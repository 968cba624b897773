"""The entries of the catalogue, one file for each hundred of codes."""
