"""The one error a user is meant to meet."""

from collections.abc import Sequence


class InputError(Exception):
    """One sentence saying what is wrong, where (file, line, offset) and what to do; exit status 2.

    It never quotes the text of a note: a corpus may be under an agreement that forbids it to leave.
    """


class MissingCorpus(InputError):
    """An official file that a task needs is not there; what was `passed_over` may be just that."""

    def __init__(self, official: str, where: str, url: str, passed_over: Sequence[str] = ()) -> None:
        count = f" ({len(passed_over)} were passed over: tasks --verbose lists them)" if passed_over else ""
        super().__init__(
            "; ".join([f"{official} is not {where}{count}", f"get it from {url} and put it there", *passed_over[:3]])
        )
        self.official = official
