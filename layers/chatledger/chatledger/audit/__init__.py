"""The audit trail: who did what, one record each, in a chain of hashes per organization."""
