"""What the states of a flow do, told for people: `explain` shows it, and editors beside the text."""
