"""Controls as values and small objects without threads or I/O."""
