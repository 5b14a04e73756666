"""Concurrency mode "asyncio": coroutines on one loop."""
