"""A policy that stays where it is: for trying out a robot, a graph or a recording without trained weights."""
