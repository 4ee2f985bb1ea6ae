"""受け箱: a folder for plain files, which are sealed and recorded with nobody logged in, and then removed."""
