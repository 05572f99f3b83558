"""Drift: which results left their reference, by how much, and whether it is more than noise."""
