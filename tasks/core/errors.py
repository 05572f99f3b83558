"""The one error a user is meant to meet."""


class InputError(Exception):
    """One sentence saying what is wrong, where (file, line, offset) and what to do; exit status 2.

    It never quotes the text of a note: a corpus may be under an agreement that forbids it to leave.
    """


class MissingCorpus(InputError):
    """An official file that a task needs is not below the data folder."""
