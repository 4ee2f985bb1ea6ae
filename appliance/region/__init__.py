"""Many schools at once: drills and hubs as tasks of a Dask cluster, of which any worker may be lost."""
