"""The telephone in the terminal and the browser: input, acts, display and saving as a scenario."""
