"""Examples, the kinds of task, metrics, corpus files and file formats."""
