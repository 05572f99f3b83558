"""How fast models answer and train: `python -m bench speed`."""

RANDOM = "bert-base-random"
"""The name of an encoder of BERT-base's size whose weights are as drawn: its speed does not depend on them."""
