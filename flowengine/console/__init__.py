"""The console: web pages that show flows, call them, and tell what becomes of calls."""
