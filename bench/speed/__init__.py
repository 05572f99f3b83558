"""How fast trained models answer: `python -m bench speed`."""
