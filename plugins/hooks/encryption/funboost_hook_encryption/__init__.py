"""Arguments travel encrypted."""
