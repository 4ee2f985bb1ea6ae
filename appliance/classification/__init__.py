"""The classification rules 重要性分類: what they are written in, how they are read, what they answer."""
