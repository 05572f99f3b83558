"""Made-up clinical corpora, written in the official formats. They are not clinical data."""
