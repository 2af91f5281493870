"""The command line: typed settings models in, words checked against them out.

    setting.py   one setting of a command                        spelling.py  --task X, task:=X, task=X -> texts
    models.py    settings of a pydantic model                    checking.py  names, numbers and ranges of texts
    form.py      a command's settings, and what they become      typed.py     texts -> values, help: cyclopts
    verb.py      a command: where its settings and its work are  reading.py   all of that, in this order
    main.py      words -> exit status

Nothing here needs what a command works with: its modules are imported when its words are right.
"""
