"""Runs template.yaml on this machine: an engine that plays AWS, a deployment, one clean address."""
