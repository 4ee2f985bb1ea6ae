"""A seeded generator of a believable school, for the demo and the tests: it only writes OneRoster files."""
