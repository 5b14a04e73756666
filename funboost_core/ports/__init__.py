"""The interfaces between the core and its plugins."""
