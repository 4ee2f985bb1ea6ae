"""情報資産台帳: which information there is, how important it is, and how it is to be handled."""
