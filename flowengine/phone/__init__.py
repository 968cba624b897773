"""The phone in the terminal: what is typed, what is done, what is shown, what is kept of it."""
