"""Mutation testing in memory: no file of the tree is written, one forked process per mutant.

Why not a library: cosmic-ray rewrites the source files and starts a fresh interpreter for each
mutant, mutmut leaves code at module level alone, and neither draws a seeded sample.
"""
