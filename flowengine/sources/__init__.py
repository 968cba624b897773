"""Where flows come from: folders and branches, read as files. What becomes of them is for others."""
