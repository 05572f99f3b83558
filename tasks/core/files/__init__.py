"""The files below a data folder, on disk and in archives: which belong to a corpus, and what they hold."""
