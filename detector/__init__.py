"""Small linear models over hashed n-grams: what they see of a text, how they are trained, and those that are shipped, with their cards."""
