"""Kafka topics of other services: their performance events, taken into the log after admission."""
