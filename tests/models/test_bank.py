from hypothesis import given
from hypothesis import strategies as st
from models.bank import (
    AccountState,
    Denied,
    Deposit,
    Deposited,
    Outcomes,
    Withdraw,
    Withdrawn,
    decide,
    evolve,
    replay,
)

commands = st.lists(
    st.builds(
        lambda kind, command_id, amount: kind(command_id=command_id, account=1, amount=amount),
        st.sampled_from([Deposit, Withdraw]),
        st.integers(1, 12),  # few ids, so that some commands repeat
        st.integers(-2, 50),
    ),
    max_size=30,
)


def run(opening, stream):
    """Handle commands in turn as a store does; returns the final state and the events stored."""
    state, events = AccountState.opened(opening), []
    for command in stream:
        repeated = state.outcomes.get(command.command_id) is not None
        event = decide(state, command)
        if not repeated:
            events.append(event)
            state = evolve(state, event)
    return state, events


def test_a_withdrawal_beyond_the_balance_is_denied_by_an_event():
    state = AccountState.opened(10)

    event = decide(state, Withdraw(command_id=1, account=1, amount=11))

    assert event == Denied(command_id=1, account=1, amount=11, reason="insufficient funds")
    assert evolve(state, event)[:2] == (10, 1)


def test_the_whole_balance_can_be_withdrawn():
    assert decide(AccountState.opened(10), Withdraw(command_id=1, account=1, amount=10)) == Withdrawn(
        command_id=1, account=1, amount=10
    )


def test_a_repeated_command_yields_the_outcome_recorded_then_even_if_it_would_now_differ():
    denied = decide(AccountState.opened(0), Withdraw(command_id=1, account=1, amount=5))
    richer = replay(0, [denied, Deposited(command_id=2, account=1, amount=100)])

    assert decide(richer, Withdraw(command_id=1, account=1, amount=5)) is denied


@given(st.integers(0, 40), commands)
def test_replaying_the_events_gives_the_same_state(opening, stream):
    state, events = run(opening, stream)

    assert replay(opening, events) == state


@given(st.integers(0, 40), commands)
def test_each_command_leads_to_exactly_one_event(opening, stream):
    _, events = run(opening, stream)

    assert [event.command_id for event in events] == list(dict.fromkeys(c.command_id for c in stream))


@given(st.integers(0, 40), commands)
def test_the_balance_of_one_stream_is_never_negative(opening, stream):
    _, events = run(opening, stream)

    assert all(replay(opening, events[:n]).balance >= 0 for n in range(len(events) + 1))


@given(commands)
def test_evolving_leaves_every_earlier_state_as_it_was(stream):
    _, events = run(20, stream)
    states = [AccountState.opened(20)]
    for event in events:
        states.append(evolve(states[-1], event))

    for n, state in enumerate(states):
        evolve(state, Deposited(command_id=99, account=1, amount=1))  # a branch from the past
        assert state == replay(20, events[:n])
        assert len(state.outcomes) == n


def test_two_branches_of_one_past_do_not_see_each_other():
    past = Outcomes()
    one = past.with_event(Deposited(command_id=1, account=1, amount=1))
    two = past.with_event(Deposited(command_id=1, account=1, amount=2))

    assert (one.get(1).amount, two.get(1).amount, past.get(1)) == (1, 2, None)
