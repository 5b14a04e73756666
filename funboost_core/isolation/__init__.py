"""``isolation="process"``: each run in one of a pool of processes that can really be killed."""
