"""A demo school with everything embedded, and an outage played on it from import to restore."""
