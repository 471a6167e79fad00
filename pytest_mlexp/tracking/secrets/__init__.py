"""Taking secrets out of what is about to be written down.

What cannot be told from a secret is hidden: a record that says too little can be made again, one that says
too much cannot be taken back. What surely is none stays as it is, for a changed diff is not what ran.

A secret is known by its form or its place in an address (``known``), or by the name that it is given to (``pairs``);
``names`` says which names promise one.

Libraries that look for secrets, such as detect-secrets, tell the lines that hold one, for a person to look at. They
leave open what of a line to hide, and what goes with it in the lines below.
"""

from pytest_mlexp.tracking.secrets.known import redact_uri
from pytest_mlexp.tracking.secrets.names import HIDDEN, is_secret_name
from pytest_mlexp.tracking.secrets.texts import redact_command, redact_diff, redact_source, redact_text, redact_value

__all__ = [
    "HIDDEN",
    "is_secret_name",
    "redact_command",
    "redact_diff",
    "redact_source",
    "redact_text",
    "redact_uri",
    "redact_value",
]
