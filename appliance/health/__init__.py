"""Watching a box: what is well, what is not, and what to do about it; no key, no data of the school."""
