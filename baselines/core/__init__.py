"""Encoder, heads, windows, packing, mixture of tasks, training loop and random streams."""
