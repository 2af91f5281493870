"""A policy that sways: for trying how a robot moves, and how a robot in motion stops. Needs no trained weights."""
