"""A look before an export: its first conversations, its size, and statistics of what it holds."""
