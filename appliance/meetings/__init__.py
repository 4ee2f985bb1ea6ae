"""Staff meetings 職員会議: agenda, what is said and asked, the principal's decisions, what becomes of them."""
