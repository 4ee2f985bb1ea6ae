"""Attendance: codes, the book, totals by the rules of the 指導要録, and what follows from them."""
