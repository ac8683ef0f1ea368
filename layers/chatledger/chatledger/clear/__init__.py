"""Clearing what a verified archive holds: verify, clear, reconcile, and what may not be cleared."""
