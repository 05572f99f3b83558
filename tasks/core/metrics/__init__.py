"""Metrics: what each observes of an example, and the formulas that turn the sums into scores."""
