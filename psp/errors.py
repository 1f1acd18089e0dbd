"""The one exception that a command turns into a sentence."""


class UserError(Exception):
    """Something that only the user can mend: a file, a folder, a name. Its text is one sentence that says what."""
