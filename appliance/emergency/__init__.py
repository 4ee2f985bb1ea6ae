"""What a school must know in a disaster: emergency cards, and 非常時開示, by which two managers open them."""
