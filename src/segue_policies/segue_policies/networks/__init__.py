"""Encoders and pretrained parts that methods share."""
