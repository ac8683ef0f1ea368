"""The verbs of conversations: ingest, read, list, a user's history, describe."""
