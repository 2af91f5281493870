"""The safety guard and what it is made of: limiters, braking, watchdogs, who may command."""
