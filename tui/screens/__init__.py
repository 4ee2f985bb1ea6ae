"""One module for each screen or question."""
