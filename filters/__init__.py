"""Filters: functions from a batch of messages to the same rows, with columns filled or rows rejected."""
