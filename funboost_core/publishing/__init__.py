"""A message on its way out: check, envelope, encode, broker."""
