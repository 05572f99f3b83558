"""Turns the results folder into tables, figures and pages: pure functions of what is on disk."""
