"""Storage in SQLite files and PostgreSQL: the session store, and what the archive of releases and
the journal share with it.
"""
