"""What an agent remembers: jobs, results, history, the catalogue."""
