"""Documents of a project: their text, chunks and embeddings, and their originals."""
