"""Test kit for plugins and tasks: conformance suites (`brokers`, `pools`, `stores`), `clock`, `faults`."""
