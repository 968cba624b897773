"""What one end of a line hears and says: sounds, menus, conferences, recordings, and who has
answered.
"""
