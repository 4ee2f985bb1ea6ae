"""アンケート: questions to the staff, answered by name or without."""
