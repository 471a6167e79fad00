"""Which names promise a secret."""

from __future__ import annotations

import pytest

from pytest_mlexp.tracking.secrets import is_secret_name

PROMISING = (
    "MLFLOW_TRACKING_TOKEN --api-key DBPASSWORD AWS_SECRET_ACCESS_KEY password-file accessToken DB_PASS SMTPPASS"
    " OPENAI_KEY GITHUB_PAT password2 pass --pass -pass db.pass _authToken AccountKey api_tokens password_type blob_sas"
)
HARMLESS = (
    "PASS_RATE first_pass bypass passed n_passes pattern cache_key random_key max_tokens tokenizer token_pattern"
    " padToken TOKEN_ID --author auth_type keyword SharedAccessKeyName sas_date_formats"
)


@pytest.mark.parametrize("name", PROMISING.split())
def test_a_name_that_promises_a_secret_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_a_name_that_only_resembles_one_is_not(name: str) -> None:
    assert not is_secret_name(name)
