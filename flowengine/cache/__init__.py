"""Results in the user's cache folder, by all that they depend on."""
