"""The agent in this process: plans, jobs, the job host and its supervisor."""
