"""The official file formats: one file for each, a reader and a writer in it."""
