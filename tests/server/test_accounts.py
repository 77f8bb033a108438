"""Passwords are compared, tries are counted, sessions end."""

import pytest

from modules.contract.errors import BadRequest
from modules.server import accounts as accounts_module
from modules.server.accounts import Accounts, Sessions, Tries, accounts_from


class Clock:
    """A clock that a test turns."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(accounts_module, "time", clock)
    return clock


def test_accounts_are_read_as_a1111_writes_them() -> None:
    assert accounts_from("a:1, b:2:3\nc:ü ") == {"a": "1", "b": "2:3", "c": "ü"}


@pytest.mark.parametrize("text", ["", " , ", "secret", "a:1,secret", ":secret", "name:"])
def test_a_list_of_accounts_that_is_none_is_refused_without_the_password(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        accounts_from(text)
    assert "secret" not in str(refusal.value)


def test_only_a_name_with_its_own_password_matches() -> None:
    accounts = Accounts({"anna": "red", "bert": "blue"})
    assert accounts.match("anna", "red") and accounts.match("bert", "blue")
    for wrong in (("anna", "blue"), ("anna", ""), ("", ""), ("Anna", "red"), ("anna", "red "), ("an", "nared"), ("", "red")):
        assert not accounts.match(*wrong)


def test_no_password_can_be_printed() -> None:
    accounts = Accounts({"anna": "correct horse"})
    assert "horse" not in repr(vars(accounts)) and "anna" not in repr(vars(accounts))


def test_nobody_enters_where_there_are_no_accounts() -> None:
    assert not Accounts({}).match("", "")


def test_after_five_wrong_passwords_an_address_waits_a_minute(clock: Clock) -> None:
    tries = Tries()
    for _ in range(5):
        assert tries.seconds_to_wait("a") == 0
        tries.failed("a")
        clock.now += 1
    assert tries.seconds_to_wait("a") == 55
    assert tries.seconds_to_wait("b") == 0
    clock.now += 55
    assert tries.seconds_to_wait("a") == 0
    tries.failed("a")
    assert tries.seconds_to_wait("a") > 0


def test_the_table_of_addresses_does_not_grow_without_end(clock: Clock) -> None:
    tries = Tries()
    for number in range(accounts_module.ADDRESSES_KEPT + 10):
        tries.failed(str(number))
    assert len(tries.failures) == accounts_module.ADDRESSES_KEPT


def test_a_session_lasts_until_it_ends(clock: Clock) -> None:
    sessions = Sessions()
    first, second = sessions.begin(), sessions.begin()
    assert sessions.holds(first) and sessions.holds(second) and not sessions.holds("") and not sessions.holds(first[:-1])
    sessions.end(first)
    assert not sessions.holds(first) and sessions.holds(second)
    clock.now += accounts_module.SESSION_SECONDS
    assert not sessions.holds(second)


def test_a_token_cannot_be_read_out_of_the_sessions() -> None:
    sessions = Sessions()
    token = sessions.begin()
    assert len(token) >= 40 and token not in repr(vars(sessions))
