"""掲示板: what everybody may see, released from the sealed store to a process without any key."""
