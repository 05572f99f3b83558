"""Encoder, heads, windows, batches, schedules, training and inference."""
