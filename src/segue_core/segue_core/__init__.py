"""Segue's vocabulary: action spaces, chunks, policies, schedules, configuration and errors."""
