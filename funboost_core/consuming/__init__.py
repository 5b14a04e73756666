"""A message on its way in: gate, fetch, decode, admit, run, judge, settle."""
