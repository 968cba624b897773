"""Sounds, menus, conferences, recordings and machine detection."""
