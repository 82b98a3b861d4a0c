"""The Pythonic face: open an agent, submit jobs, await and watch them."""
