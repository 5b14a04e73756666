"""Schedules by APScheduler 3."""
