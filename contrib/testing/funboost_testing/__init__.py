"""Test kit for plugins and tasks: `clock.FakeClock` and the conformance suites in `stores`."""
