"""Working hours 勤務管理: punches, declarations, reckoning, limits, the report."""
