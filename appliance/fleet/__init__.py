"""Many boxes at once, for support: asked over SSH, shown in one table."""
