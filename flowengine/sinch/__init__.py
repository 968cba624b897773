"""What the platform says, and how it proves it."""
