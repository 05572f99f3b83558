"""What is compared: one file for each baseline, and the core they share."""
