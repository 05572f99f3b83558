"""Runs the comparison, keeps what it found, prints it and guards it."""

__version__ = "0.1.0"
