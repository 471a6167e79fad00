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
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OF_LANGUAGE = re.compile(r"token\d*$")
_PROPERTIES = (
    "type types mode method scheme version name names env vars header headers field fields columns keys cache"
    " function class str ttl timeout expiry expires expiration enabled required"
)
# Words beside "token" where it is a piece of text, not a key.
_BEFORE_IT = (
    "pad eos bos cls sep unk mask oov special start end stop first last next prev previous image audio video text"
    " word class page per input output target source delimiter separator max min num n prompt decoder"
)
_AFTER_IT = (
    "pattern id ids count counts len length lengths limit budget embedding embeddings level mask masks"
    " classification dim dims size index indices idx weight weights usage rate position positions dropout prob"
    " probs logits loss regex vocab ratio overlap cost price indexer indexers"
)

_NOTHING = re.compile(
    r"(?i:true|false|null|none|nil)|~|(?:!(?:vault|ENV|secret) ?)?[|>][\-+\d]{0,2}|!(?:vault|ENV|secret)"
    r"|[\[{(]|\[\]|\{\}|\*{3}|\.{3}"
)
_REFERENCE = re.compile(
    r"\$?\{\{[^{}'\"]{1,200}\}\}|\$\{(?:oc\.env:|env[:.])?\w{1,100}\}|\$\([A-Z_][A-Z0-9_]{2,100}\)"
    r"|\$[A-Z_][A-Z0-9_]{2,100}"
)
_FORMATTED = re.compile(
    r"(?:(?i:bearer|basic|token) )?[^\w{}]{0,3}"
    r"(?:\{(?:[\w.\[\]()]{1,100}|os\.(?:environ\[|getenv\(|environ\.get\()['\"]\w{1,100}['\"][\])])\}[^\w{}]{0,3}){1,5}"
)


@lru_cache(4_096)
def is_secret_name(name: str) -> bool:
    """Say whether a name, such as ``MLFLOW_TRACKING_TOKEN`` or ``--api-key``, promises a secret.

    ``max_tokens``, ``tokenizer``, ``pad_token`` and ``random_key`` do not; ``pass`` does where it is a whole name.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", _CAPITAL.sub("_", name).lower()) if word]
    return (
        name.lower().rpartition(".")[2].strip("-_") == "pass"
        or words[-1:] == ["sas"]  # of Azure; SAS in front is the program
        or any(_promises(words, place) for place in range(len(words)))
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


def _promises(words: list[str], place: int) -> bool:
    word = words[place]
    before, after = words[place - 1] if place else "", words[place + 1] if place + 1 < len(words) else ""
    if not _WORD.search(word):
        return False
    if _OF_LANGUAGE.fullmatch(word) and (before in _BEFORE_IT.split() or after in _AFTER_IT.split()):
        return False
    return after not in _PROPERTIES.split() or word.startswith(("passw", "pwd"))
