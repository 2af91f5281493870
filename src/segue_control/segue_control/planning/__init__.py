"""Planned moves: from where the arms are to a named pose, without touching anything.

`base.Planner` is the interface, `built_in` and `segue_control.node.moveit_planner` implement it, `choice` says which is
used. Nothing is imported here: who only looks at a `scene`, as the simulator does, needs no splines.
"""
