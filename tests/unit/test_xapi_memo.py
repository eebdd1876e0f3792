"""Proves that the memory of checked parts is bounded, and keeps what is asked for."""

from __future__ import annotations

from carrythrough.xapi.memo import KEY_BYTES_MAX, Memo, cost


def test_it_keeps_what_is_asked_for_and_drops_the_rest():
    memo: Memo[int] = Memo(100 * cost(b"0123456789"))
    memo.keep(b"hot", 1)
    for number in range(10_000):
        memo.keep(b"%010d" % number, number)
        assert memo.find(b"hot") == 1
        assert len(memo) <= 2 * 100 + 4
    assert memo.find(b"%010d" % 9_999) == 9_999
    assert memo.find(b"%010d" % 1) is None


def test_long_keys_are_not_kept():
    memo: Memo[int] = Memo(1 << 20)
    memo.keep(b"x" * (KEY_BYTES_MAX + 1), 1)
    assert len(memo) == 0
    memo.keep(b"x" * KEY_BYTES_MAX, 1)
    assert memo.find(b"x" * KEY_BYTES_MAX) == 1


def test_the_bound_get_survives_a_change_of_generations():
    memo: Memo[int] = Memo(3 * cost(b"key-12"))
    get = memo.recent.get
    for number in range(50):
        key = b"key-%d" % number
        memo.keep(key, number)
        assert get(key) == number
    memo.clear()
    assert len(memo) == 0
    assert get(b"key-49") is None
