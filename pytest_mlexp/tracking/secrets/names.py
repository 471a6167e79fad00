"""Which names promise a secret, and which values surely are none."""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN = "***"

_WORD = re.compile(
    r"(token|secrets?|passw(or)?ds?|passphrases?|passcodes?|pwds?|pswd|apikeys?|credentials?)\d*$"
    r"|^(jwt|bearer|cookie|auth|authorization|pw)\d*$"
)
_COMPOUND = re.compile(
    r"(api|access|account|private|signing|secret|shared|master|encryption|subscription|hmac|jwt|ssh|license|auth"
    r"|openai|anthropic|wandb|azure|google|gemini|cohere|mistral|groq|pinecone|huggingface|comet|neptune"
    r"|fernet|webhook|client)keys?(?!word|names?$|env)"
    r"|accesssignature|(github|gitlab|devops|databricks)pat$"
    r"|(api|access|auth|refresh|bearer|secret|session|bot)tokens$"
    r"|(db|database|sql|pg|postgres|mongo|redis|require|smtp|mail|imap|ftp|ssh|ssl|ldap|user|admin|root|login|proxy|sudo"
    r"|app|mq|wifi|vpn|http|https|registry|docker|vault|jenkins|artifactory|kafka|elastic|snowflake|store)pass\d*$"
)
# Every secret name holds one of these.
PART = "token|secret|pass|pw|psw|key|cred|jwt|bearer|cookie|auth|sas|signature|git|devops|databricks|sig=|code="
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROPERTIES = re.compile(
    "types?|mode|method|scheme|version|names?|env|vars?|headers?|fields?|columns?|keys|cache|function|class|str|ttl"
    "|timeout|expiry|expires|expiration|enabled|required"
)
# Words beside "token" where it is a piece of text, not a key.
_BEFORE_TOKEN = re.compile(
    "pad|eos|bos|cls|sep|unk|mask|oov|special|start|end|stop|first|last|next|prev|previous|image|audio|video|text|word"
    "|class|page|per|input|output|target|source|delimiter|separator|max|min|num|n|prompt|decoder"
)
_AFTER_TOKEN = re.compile(
    "pattern|ids?|counts?|len|lengths?|limit|budget|embeddings?|level|masks?|classification|dims?|size|index|indices|idx"
    "|weights?|usage|rate|positions?|dropout|prob|probs|logits|loss|regex|vocab|ratio|overlap|cost|price|indexers?"
)

_NOTHING = re.compile(
    r"(?i:true|false|null|none|nil)|~|(?:!(?:vault|ENV|secret) ?)?[|>][\-+\d]{0,2}|!(?:vault|ENV|secret)"
    r"|[\[{(]|\[\]|\{\}|\*{3}|\.{3}"
)
_REFERENCE = re.compile(
    r"\$?\{\{[^{}'\"]{1,200}\}\}|\$\{(?:oc\.env:|env[:.])?\w{1,100}\}|\$\([A-Z_][A-Z0-9_]{2,100}\)|\$[A-Z_][A-Z0-9_]{2,100}"
)
_FORMATTED = re.compile(r"(?:(?i:bearer|basic|token) )?[^\w{}]{0,3}(?:\{[^{}]{1,100}\}[^\w{}]{0,3}){1,5}")


@lru_cache(4_096)
def is_secret_name(name: str) -> bool:
    """Say whether a name, such as ``MLFLOW_TRACKING_TOKEN`` or ``--api-key``, promises a secret.

    ``max_tokens``, ``tokenizer``, ``pad_token`` and ``random_key`` do not; ``pass`` does where it is a whole name.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", _CAPITAL.sub("_", name).lower()) if word]
    return (
        name.lower().rpartition(".")[2].strip("-_") == "pass"
        or words[-1:] == ["sas"]  # of Azure; SAS in front is the program
        or any(map(_promises, words, ["", *words], [*words[1:], ""]))
        or _COMPOUND.search("".join(words)) is not None
    )


def is_secret_parameter(name: str) -> bool:
    """Say the same of a parameter of a URI, where ``key``, ``code`` and signatures are secrets too."""
    last = re.split(r"[^a-z0-9]", _CAPITAL.sub("_", name).lower())[-1]
    return is_secret_name(name) or last in {"sig", "signature"} or name.lower() in {"key", "code"}


def is_harmless(value: str, *, formatted: bool = False) -> bool:
    """Say whether a value is none, or only names where the secret is: ``${DB_PASSWORD}``, ``{{ secrets.KEY }}``.

    Args:
        value: the value without its quotes.
        formatted: whether it is an f-string, in which ``{name}`` stands for something else.
    """
    pattern = _FORMATTED if formatted else _REFERENCE
    return _NOTHING.fullmatch(value) is not None or pattern.fullmatch(value) is not None


def _promises(word: str, before: str, after: str) -> bool:
    if not _WORD.search(word):
        return False
    if word.rstrip("0123456789") == "token" and (_BEFORE_TOKEN.fullmatch(before) or _AFTER_TOKEN.fullmatch(after)):
        return False
    return not _PROPERTIES.fullmatch(after) or word.startswith(("passw", "pwd"))
