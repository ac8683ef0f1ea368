"""Putting back: what one export cleared (undo), or any archive, here or elsewhere (import)."""
