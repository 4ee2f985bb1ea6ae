"""Sealed documents 文書: the school's file server of personal information, kept sealed and found again."""
