"""The sealed store: keeper, change log, Litestream, link state, restore. Knows nothing of schools."""
