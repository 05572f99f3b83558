"""Is a difference real? On stored evidence alone; docs/statistics.md tells what each number is."""
