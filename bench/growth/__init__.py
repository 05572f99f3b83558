"""How time and memory of training grow: `python -m bench growth`."""
