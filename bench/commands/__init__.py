"""One file to a command of `python -m bench`: `add_arguments(parser)` and `main(args) -> exit status`."""
