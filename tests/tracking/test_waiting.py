from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest

from pytest_mlexp.tracking._mlflow.waiting import PROMPT, Stopped, Waiting, Watched


def test_prompt_answers_cost_nothing_and_slow_ones_are_added_up() -> None:
    waiting = Waiting()
    for _ in range(30):
        with waiting.call():
            time.sleep(0.02)
    assert waiting.seconds == 0
    for number in range(2):
        with waiting.call():
            time.sleep(PROMPT + 0.05)
            assert waiting.seconds >= (number + 1) * PROMPT  # told while it lasts
    waiting.count_from_now()
    assert waiting.seconds == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there is it told who waits for a core")
def test_what_this_process_computes_is_no_waiting() -> None:
    waiting = Waiting()
    with waiting.call():
        begun = time.process_time()
        while time.process_time() - begun < 2 * PROMPT:
            pass
    assert waiting.seconds == 0


def test_a_large_upload_may_take_longer() -> None:
    waiting = Waiting()
    with waiting.call(size=2_000_000):
        time.sleep(PROMPT + 0.05)
    assert waiting.seconds == 0


def test_no_call_is_made_when_nobody_waits_and_failed_ones_are_no_answers() -> None:
    gone = False
    waiting = Waiting(lambda: gone)
    client = Watched(SimpleNamespace(good=lambda: 1, bad=lambda: 1 / 0), waiting)
    assert client.good() == 1
    with pytest.raises(ZeroDivisionError):
        client.bad()
    assert waiting.answers == 1
    gone = True
    with pytest.raises(Stopped):
        client.good()
