"""What is asked: one file for each task, and the core they share. Nothing here needs torch."""
