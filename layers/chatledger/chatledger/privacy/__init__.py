"""What is personal in a conversation, and what stands in its place in an anonymized file."""
