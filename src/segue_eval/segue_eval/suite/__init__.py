"""A paper's table as a suite: cells to run, the printed rows as facts, claims to judge.

Suites are data (config/suites); this is the engine that reads them.

spec.py      what a suite file may say
find.py      suites, tasks and checkpoints by name
plan.py      which cells can run, and why the others cannot
run.py       all episodes of all cells in one pool, resumable
alike.py     whether the policies that a claim compares were made alike
judge.py     the rules that turn paired differences into verdicts
outcome.py   cells and claims of a suite that ran
table.py, charts.py, page.py, write.py       what is left behind
"""
