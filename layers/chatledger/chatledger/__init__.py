"""Chatledger: the system of record for AI-chat logs."""

__version__ = "0.1.0"
