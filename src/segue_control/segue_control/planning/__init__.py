"""Planned moves: from where the arms are to a named pose, without touching anything.

`base.Planner` is the interface, `built_in` and `moveit` implement it, `choice.create_planner` chooses. Nothing is
imported here: who only looks at a `scene`, as the simulator does, needs no splines.
"""
