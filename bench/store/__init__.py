"""The results folder: records read within bounds, and written whole or not at all."""
