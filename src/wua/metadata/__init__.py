"""Readers of the files that describe updates: apt's indexes and Release files, dpkg's status."""
