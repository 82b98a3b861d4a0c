"""Frozen data, enums, result codes, protocols and wire types.

No input or output happens here, and nothing of the rest of wua is imported.
"""
