"""Large arguments travel compressed."""
