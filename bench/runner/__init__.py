"""From what was asked to finished runs: corpora, plan, one run to one result."""
