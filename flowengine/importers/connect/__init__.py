"""Flows that Amazon Connect has exported, in its flow language."""
