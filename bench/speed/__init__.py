"""How fast models answer and train: `python -m bench speed`."""
