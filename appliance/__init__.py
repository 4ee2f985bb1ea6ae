"""The school: roster, attendance, meetings, site set-up and the command line."""
