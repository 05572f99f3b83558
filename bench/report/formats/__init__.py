"""The formats of a report: sections in, text out."""
